"""What users with too few rights, or none, hear of every connector that asks a server."""

import json
import traceback

import pytest

from export_pipeline.connectors.checking import check
from export_pipeline.connectors.connector import ConnectorConfig, config_from
from export_pipeline.connectors.destination import EXPORT_ID, Destination, Proof
from export_pipeline.connectors.secret import reveal
from export_pipeline.errors import Denied, InvalidRequest, PermanentFailure, TransientFailure, Unreadable
from export_pipeline.pipeline.placing import BytesContent, place
from export_pipeline_tests.connectors.conftest import Users
from export_pipeline_tests.connectors.objects import MIB, keys, led_to, noise, put, read
from export_pipeline_tests.servers.ports import free_port

SIZES = {"small": 3, "large": 9 * MIB}
CREDENTIALS = "check (the connector's credentials|the account's name and its key)"


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_wrong_credentials_are_named_and_not_shown(users: Users, size: int) -> None:
    with pytest.raises(Denied, match=CREDENTIALS) as caught:
        put(users.stranger.open(), "a/b.csv", noise(size))

    assert "'a/b.csv'" in str(caught.value)
    told = "".join(traceback.format_exception(caught.value))
    assert "guessed" not in told
    assert "Z3Vlc3N" not in told


def test_who_may_only_read_reads_and_does_not_write(users: Users) -> None:
    put(users.owner.open(), "a.csv", b"1")
    destination = users.reader.open()

    assert read(destination, "a.csv") == b"1"
    with pytest.raises(Denied, match=f"not allowed to write.*{CREDENTIALS}"):
        put(destination, "b.csv", b"2")
    with pytest.raises(Denied, match=f"not allowed to delete.*{CREDENTIALS}"):
        destination.delete("a.csv")
    assert keys(users.owner.open()) == ["a.csv"]


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_who_may_only_write_writes_and_does_not_read(users: Users, size: int) -> None:
    destination = users.writer.open()

    put(destination, "a.csv", noise(size))

    assert read(users.owner.open(), "a.csv") == noise(size)
    with pytest.raises(Unreadable, match=f"not allowed to read.*{CREDENTIALS}"):
        read(destination, "a.csv")
    with pytest.raises(Unreadable, match=f"not allowed to look at.*{CREDENTIALS}"):
        destination.head("a.csv")
    with pytest.raises(Unreadable):
        list(destination.list(""))


def test_a_conflict_stays_one_where_nobody_may_look(users: Users) -> None:
    put(users.owner.open(), "a.csv", b"1")

    with pytest.raises(TransientFailure, match="try again"):
        put(users.writer.open(), "a.csv", b"2")

    assert read(users.owner.open(), "a.csv") == b"1"


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_a_place_that_does_not_exist_is_named(users: Users, size: int) -> None:
    with pytest.raises(PermanentFailure, match=r"nobody-made-this.*create it"):
        put(users.nowhere.open(), "a.csv", noise(size))


def test_what_one_writes_another_reads(users_apart: Users) -> None:
    assert users_apart.apart is not None
    destination = users_apart.apart.open()

    assert _placed(destination, b"1") is Proof.READ_BACK
    assert _placed(destination, b"another revision") is Proof.READ_BACK

    assert keys(destination) == ["a.csv"]
    assert read(destination, "a.csv") == b"another revision"


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_a_wrong_reader_breaks_no_upload_and_the_proof_is_the_stores(users_apart: Users, size: int) -> None:
    assert users_apart.misread is not None
    destination = users_apart.misread.open()

    assert _placed(destination, noise(size)) in (Proof.CHECKSUM, Proof.ANSWER)

    assert read(users_apart.owner.open(), "a.csv") == noise(size)
    with pytest.raises(Unreadable, match=f"with the credentials for reading: .*{CREDENTIALS}") as caught:
        read(destination, "a.csv")
    assert "guessed" not in "".join(traceback.format_exception(caught.value))


def test_a_check_passes_with_a_wrong_reader(users_apart: Users) -> None:
    assert users_apart.misread is not None

    steps = list(check(users_apart.misread.open(), users_apart.misread.address))

    assert [(step.name, step.message) for step in steps if not step.ok] == []
    said = {step.name: step.message for step in steps}
    assert said["read"].startswith("It cannot be read back")
    assert said["delete"] == "The object was deleted again."
    assert keys(users_apart.owner.open()) == []


def test_a_check_reads_what_another_wrote_and_says_what_stays(users_apart: Users) -> None:
    assert users_apart.apart is not None

    steps = {step.name: step for step in check(users_apart.apart.open(), users_apart.apart.address)}

    assert [step.message for step in steps.values() if not step.ok] == []
    assert steps["read"].message == "It was read back, byte for byte."
    stays = keys(users_apart.owner.open())
    assert steps["delete"].leaves is bool(stays)
    assert all(f"{key} stays there, not allowed to delete" in steps["delete"].message for key in stays)


def test_probes_that_cannot_be_deleted_do_not_add_up(users: Users) -> None:
    writer = users.writer
    left: bool = False
    for _ in range(4):
        steps = list(check(writer.open(), writer.address, probe="probe.txt", stays=left))
        assert [step.message for step in steps if not step.ok] == []
        left = any(step.leaves for step in steps)

    assert len(keys(users.owner.open())) in (0, 1)


def test_with_a_wrong_reader_anothers_object_is_not_overwritten(users_apart: Users) -> None:
    put(users_apart.owner.open(), "a.csv", b"somebody else's", metadata={EXPORT_ID: "other/flights"})
    assert users_apart.misread is not None

    with pytest.raises(PermanentFailure, match="not this export's"):
        _placed(users_apart.misread.open(), b"1")

    assert read(users_apart.owner.open(), "a.csv") == b"somebody else's"


def test_a_wrong_field_for_reading_is_named_as_such(users_apart: Users) -> None:
    assert users_apart.apart is not None
    given = json.loads(reveal(users_apart.apart))
    given["read"] = {"nothing_of_the_kind": "x"}

    with pytest.raises(InvalidRequest, match=r"read\.nothing_of_the_kind: there is no such field") as caught:
        config_from(given)

    assert caught.value.field == "read.nothing_of_the_kind"


def _placed(destination: Destination, content: bytes) -> Proof:
    """Written as the pipeline writes, over what is there if it is the export's own."""
    return place(
        destination,
        "a.csv",
        BytesContent(content),
        "acme/flights",
        still_ours=lambda: None,
        after_piece=lambda _: None,
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "no-such-host.invalid"])
def test_a_host_that_does_not_answer_is_worth_another_try(
    asking_connector: ConnectorConfig, host: str
) -> None:
    url = f"http://{host}:{free_port()}"

    with pytest.raises(TransientFailure, match="is the address right, and the store up") as caught:
        put(led_to(url, asking_connector).open(), "a.csv", b"1")

    assert host in str(caught.value)
