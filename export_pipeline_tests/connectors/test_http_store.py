"""What is particular to HTTP receivers: those that show nothing, those that say little, and who may ask."""

import traceback

import pytest
from pydantic import SecretStr

from export_pipeline.connectors.addresses import allow
from export_pipeline.connectors.destination import WHATEVER
from export_pipeline.connectors.http import HttpConfig, HttpReading
from export_pipeline.errors import Conflict, NotFound, PermanentFailure, TransientFailure, Unreadable
from export_pipeline_tests.connectors.objects import MIB, keys, led_to, noise, put, read
from export_pipeline_tests.servers.fault_proxy import Fault, Once, fault_proxy
from export_pipeline_tests.servers.http import Receiver


@pytest.fixture
def config(http_receiver: Receiver) -> HttpConfig:
    return http_receiver.config(http_receiver.new_space())


def writing_only(config: HttpConfig, **changes: object) -> HttpConfig:
    return config.model_copy(update={"readable": False, **changes})


def test_a_receiver_that_shows_nothing_cannot_be_looked_at(config: HttpConfig) -> None:
    destination = writing_only(config).open()
    put(destination, "a.csv", b"1")

    with pytest.raises(Unreadable, match="takes files and shows none"):
        destination.head("a.csv")
    with pytest.raises(Unreadable, match="takes files and shows none"):
        read(destination, "a.csv")
    with pytest.raises(Unreadable, match="takes files and shows none"):
        destination.delete("a.csv")


def test_no_receiver_lists_what_it_holds(config: HttpConfig) -> None:
    with pytest.raises(Unreadable, match="cannot be asked what it holds"):
        list(config.open().list(""))


def test_where_nobody_looks_what_is_there_is_written_over(config: HttpConfig) -> None:
    put(writing_only(config).open(), "a.csv", b"1")
    put(writing_only(config).open(), "a.csv", b"2")

    assert read(config.open(), "a.csv") == b"2"


@pytest.mark.parametrize("changes", [{"bearer_token": None, "username": "me"}, {}])
def test_users_are_known_by_token_or_password(
    http_receiver: Receiver, config: HttpConfig, changes: dict[str, object]
) -> None:
    token = http_receiver.token("rwd")
    who = {**changes, "password": token} if changes else {"bearer_token": token}
    destination = config.model_copy(update=who).open()

    put(destination, "a.csv", b"1")

    assert read(destination, "a.csv") == b"1"


def test_a_receiver_inside_is_not_called_on(config: HttpConfig) -> None:
    allow([])

    for use in (lambda: put(config.open(), "a.csv", b"1"), lambda: read(config.open(), "a.csv")):
        with pytest.raises(PermanentFailure, match="must not call there"):
            use()


def test_a_receiver_that_tells_no_version_cannot_be_read_back(
    http_receiver: Receiver, config: HttpConfig
) -> None:
    put(config.open(), "a.csv", b"1")
    http_receiver.behaviour.forgets = frozenset({"ETag"})

    with pytest.raises(PermanentFailure, match=r"without an ETag.*set `readable` to false"):
        config.open().head("a.csv")


@pytest.mark.parametrize("length", ["", "abc", "-5", "3, 3", "\xb2", "9" * 5000])
def test_a_length_that_is_none_is_told_as_missing(
    http_receiver: Receiver, config: HttpConfig, length: str
) -> None:
    put(config.open(), "a.csv", b"1")
    http_receiver.behaviour.says = {"Content-Length": length}

    with pytest.raises(PermanentFailure, match=r"without its length.*set `readable` to false"):
        config.open().head("a.csv")


@pytest.mark.parametrize(
    "address", ["http://[evil", f"http://{'x' * 300}/", "http://a\x1b[31m/", "/elsewhere"]
)
def test_an_address_that_names_no_host_is_not_repeated(
    http_receiver: Receiver, config: HttpConfig, address: str
) -> None:
    http_receiver.behaviour.sends_to = address

    with pytest.raises(PermanentFailure, match="sends us to another place, and nobody is followed"):
        put(config.open(), "a.csv", b"1")


def test_refusals_before_the_body_is_read_are_heard(http_receiver: Receiver, config: HttpConfig) -> None:
    http_receiver.behaviour.hangs_up_early = True
    stranger = config.model_copy(update={"bearer_token": SecretStr("guessed")})

    with pytest.raises(PermanentFailure, match="check the connector's credentials"):
        put(stranger.open(), "a.csv", noise(33 * MIB))


def test_no_error_shows_a_secret(http_receiver: Receiver, config: HttpConfig) -> None:
    http_receiver.behaviour.sends_to = "http://elsewhere.example/?hunter2"
    secret = config.model_copy(
        update={"bearer_token": SecretStr("hunter2"), "url": f"{config.url}?signature=hunter2"}
    )

    for at in (secret, led_to("http://127.0.0.1:9", secret)):
        with pytest.raises((PermanentFailure, TransientFailure)) as caught:
            put(at.open(), "a.csv", b"1")
        assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_what_is_deleted_or_was_never_there_is_gone(config: HttpConfig) -> None:
    destination = config.open()
    put(destination, "a.csv", b"1")

    destination.delete("a.csv")
    destination.delete("a.csv")

    assert keys(destination) == []
    with pytest.raises(NotFound):
        read(destination, "a.csv")


@pytest.mark.parametrize("readable", [True, False])
def test_files_may_be_shown_at_another_address_to_another_user(
    http_receiver: Receiver, readable: bool
) -> None:
    space = http_receiver.new_space()
    with fault_proxy(http_receiver.server_port) as proxy:
        shown = HttpReading(url=f"{proxy.url}/{space}/$key", bearer_token=http_receiver.token("r"))
        config = http_receiver.config(
            space, bearer_token=http_receiver.token("w"), readable=readable, read=shown
        )
        destination = config.open()

        version = put(destination, "a.csv", b"1")

        assert read(destination, "a.csv") == b"1"
        found = destination.head("a.csv")
        asked = [request.method for request, _ in proxy.arrivals]
    assert found is not None
    assert found.version == version
    assert asked == ["GET", "HEAD"]


def test_a_wrong_reader_breaks_no_delivery(http_receiver: Receiver) -> None:
    space = http_receiver.new_space()
    wrong = HttpReading(bearer_token=SecretStr("guessed-guessed"))
    for readable in (True, False):
        destination = http_receiver.config(space, readable=readable, read=wrong).open()

        put(destination, "a.csv", b"1", replaces=WHATEVER)

        with pytest.raises(Unreadable, match="with the credentials for reading: not allowed to read"):
            read(destination, "a.csv")
    assert read(http_receiver.config(space).open(), "a.csv") == b"1"


def test_what_is_shown_is_written_over_on_conditions_and_deleted(http_receiver: Receiver) -> None:
    space = http_receiver.new_space()
    read_by = HttpReading(bearer_token=http_receiver.token("r"))
    destination = http_receiver.config(space, readable=False, read=read_by).open()
    put(destination, "a.csv", b"1")

    with pytest.raises(Conflict):
        put(destination, "a.csv", b"2")
    destination.delete("a.csv")

    assert destination.head("a.csv") is None


def test_whose_a_file_is_is_seen_by_who_may_look_when_the_answer_was_lost(http_receiver: Receiver) -> None:
    space = http_receiver.new_space()
    read_by = HttpReading(bearer_token=http_receiver.token("r"))
    config = http_receiver.config(space, bearer_token=http_receiver.token("w"), read=read_by)
    plan = Once(Fault.RESET_AFTER, lambda request: request.method == "PUT", times=99)
    with fault_proxy(http_receiver.server_port, plan) as proxy:
        version = put(led_to(proxy.url, config).open(), "a.csv", b"1")

    found = http_receiver.config(space).open().head("a.csv")
    assert found is not None
    assert found.version == version
