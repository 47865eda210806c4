"""What becomes of objects when a store is busy, slow or breaks off: for every type that asks a server."""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Thread
from typing import Any

import pytest

from export_pipeline.connectors.checking import CheckStep, check
from export_pipeline.connectors.connector import ConnectorConfig
from export_pipeline.connectors.destination import EXPORT_ID, SHA256, Destination, Proof
from export_pipeline.errors import Conflict, Contended, HourFailed, PermanentFailure, Spoilt, TransientFailure
from export_pipeline.pipeline.placing import BytesContent, Taken, place
from export_pipeline_tests.connectors.conftest import Users
from export_pipeline_tests.connectors.objects import MIB, keys, led_to, noise, port_of, put, read
from export_pipeline_tests.servers.fault_proxy import (
    UNAVAILABLE_BODY,
    Fault,
    Instead,
    Once,
    Request,
    fault_proxy,
)
from export_pipeline_tests.servers.http import Receiver
from export_pipeline_tests.servers.ports import free_port
from export_pipeline_tests.servers.site import site

METADATA = {EXPORT_ID: "hourly-flights", SHA256: "ab" * 32}
SIZES = {"small": 3, "large": 9 * MIB}


def writes(request: Request) -> bool:
    return request.method in ("PUT", "POST") and not request.path.startswith("/token")


def publishes(request: Request) -> bool:
    """Not Azure's blocks, which make no object."""
    return writes(request) and not re.search(r"comp=block(&|$)", request.path)


def joins(request: Request) -> bool:
    """Of S3, where parts become an object."""
    return request.method == "POST" and "uploadId=" in request.path


def finishes(request: Request) -> bool:
    """What makes an object, and not what only prepares one."""
    begins = "?uploads" in request.path or re.search(r"uploadType=resumable(?!.*upload_id)", request.path)
    is_part = "partNumber=" in request.path or request.fields.get("content-range", "").endswith("/*")
    return publishes(request) and not begins and not is_part


def reads(request: Request) -> bool:
    return request.method == "GET"


@dataclass(slots=True)
class Nth:
    """A plan: of the requests that `concerns`, the one that is number `turn` (from 0) fails."""

    turn: int
    fault: Fault
    concerns: Callable[[Request], bool]
    met: list[Request] = field(default_factory=list)

    def __call__(self, request: Request) -> Fault | None:
        if not self.concerns(request):
            return None
        self.met.append(request)
        return self.fault if len(self.met) == self.turn + 1 else None


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize(
    "fault", [fault for fault in Fault if fault not in (Fault.SPOILT, Fault.UNCONDITIONAL)]
)
def test_whichever_request_fails_the_object_is_there_in_the_end(
    asking_connector: ConnectorConfig, fault: Fault, size: int
) -> None:
    turn, failed = 0, True
    while failed:
        key = f"{turn}.csv"
        plan = Nth(turn, fault, writes)
        with fault_proxy(port_of(asking_connector), plan) as proxy:
            destination = led_to(proxy.url, asking_connector).open()
            version = put(destination, key, noise(size), metadata=METADATA)
        found = asking_connector.open().head(key)
        assert found is not None
        assert (found.version, found.size, found.metadata) == (version, size, METADATA), plan.met
        assert read(asking_connector.open(), key) == noise(size)
        turn, failed = turn + 1, len(plan.met) > turn

    assert turn > 1


@pytest.mark.parametrize("fault", [Fault.RESET_AFTER, Fault.TRUNCATED, Fault.GAVE_UP])
def test_a_lost_answer_to_a_replacement_is_a_success(asking_connector: ConnectorConfig, fault: Fault) -> None:
    first = put(asking_connector.open(), "a.csv", b"first", metadata=METADATA)
    plan = Once(fault, writes)
    with fault_proxy(port_of(asking_connector), plan) as proxy:
        destination = led_to(proxy.url, asking_connector).open()
        version = put(destination, "a.csv", b"second", replaces=first, metadata=METADATA)

    found = asking_connector.open().head("a.csv")
    assert found is not None
    assert found.version == version
    assert read(asking_connector.open(), "a.csv") == b"second"
    assert len(plan.met) == 1


# How each says that a policy keeps what is there.
KEPT = {
    "azure": Instead(status="409 Conflict", fields={"x-ms-error-code": "BlobImmutableDueToPolicy"}),
    "gcs": Instead(
        status="403 Forbidden",
        body=b'{"error": {"message": "Object is under active retention and cannot be deleted"}}',
        kind="application/json",
    ),
    "s3": Instead(
        status="403 Forbidden",
        body=b"<Error><Code>AccessDenied</Code><Message>Object is WORM protected</Message></Error>",
    ),
}


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("type_", KEPT)
def test_a_lost_answer_is_a_success_where_a_policy_keeps_what_was_written(
    request: pytest.FixtureRequest, type_: str, size: int
) -> None:
    connector: ConnectorConfig = request.getfixturevalue(f"{type_}_connector")
    faults = iter((Fault.RESET_AFTER, KEPT[type_]))

    def plan(asked: Request) -> Fault | Instead | None:
        return next(faults, None) if finishes(asked) else None

    with fault_proxy(port_of(connector), plan) as proxy:
        version = put(led_to(proxy.url, connector).open(), "a.csv", noise(size))

    assert list(faults) == []
    assert read(connector.open(), "a.csv") == noise(size)
    found = connector.open().head("a.csv")
    assert found is not None
    assert found.version == version


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_a_lost_answer_is_a_success_where_only_the_reader_may_look(users_apart: Users, size: int) -> None:
    assert users_apart.apart is not None
    turn, failed = 0, True
    while failed:
        key = f"{turn}.csv"
        plan = Nth(turn, Fault.RESET_AFTER, writes)
        with fault_proxy(port_of(users_apart.apart), plan) as proxy:
            version = put(led_to(proxy.url, users_apart.apart).open(), key, noise(size))
        found = users_apart.apart.open().head(key)
        assert found is not None
        assert found.version == version, plan.met
        turn, failed = turn + 1, len(plan.met) > turn

    assert turn > 1


@pytest.mark.parametrize("fault", [Fault.RESET_AFTER, Fault.GAVE_UP])
def test_who_lost_every_answer_and_may_not_look_knows_that_it_may_be_there(
    users: Users, fault: Fault
) -> None:
    with fault_proxy(port_of(users.writer), Once(fault, publishes, times=99)) as proxy:
        blind = led_to(proxy.url, users.writer).open()
        with pytest.raises(TransientFailure) as caught:
            put(blind, "a.csv", b"1")

    assert caught.value.unheard
    assert read(users.owner.open(), "a.csv") == b"1"


def test_who_was_sent_away_and_then_refused_knows_that_nothing_of_theirs_is_there(users: Users) -> None:
    put(users.owner.open(), "a.csv", b"somebody else's")
    plan = Once(Fault.UNAVAILABLE, publishes)
    with fault_proxy(port_of(users.writer), plan) as proxy:
        blind = led_to(proxy.url, users.writer).open()
        with pytest.raises(Conflict) as caught:
            put(blind, "a.csv", b"1")

    assert plan.met
    assert not caught.value.unheard


def test_whom_nobody_answered_the_call_knows_that_nothing_of_theirs_is_there(users: Users) -> None:
    absent = led_to(f"http://127.0.0.1:{free_port()}", users.writer).open()

    with pytest.raises(TransientFailure) as caught:
        put(absent, "a.csv", b"1")

    assert not caught.value.unheard


FILE = BytesContent(b"carrier")


class Notes:
    """The keys that attempts have begun."""

    def __init__(self) -> None:
        self.keys: set[str] = set()

    def note(self, key: str) -> bool:
        earlier = key in self.keys
        self.keys.add(key)
        return earlier

    def withdraw(self, key: str) -> None:
        self.keys.remove(key)


def placed(config: ConnectorConfig, notes: Notes, content: BytesContent = FILE) -> Proof:
    """An attempt at an hour's file, as the pipeline makes one."""
    return place(
        config.open(),
        "a.csv",
        content,
        "acme/flights",
        still_ours=lambda: None,
        after_piece=lambda _: None,
        begun=notes,
    )


@pytest.mark.parametrize("fault", [Fault.RESET_AFTER, Fault.GAVE_UP])
def test_what_was_done_unheard_is_no_obstacle_to_the_next_attempt_where_nobody_may_look(
    users: Users, fault: Fault
) -> None:
    notes = Notes()
    with (
        fault_proxy(port_of(users.writer), Once(fault, publishes)) as proxy,
        suppress(TransientFailure),  # but receivers know a request that comes again
    ):
        placed(led_to(proxy.url, users.writer), notes)
    assert read(users.owner.open(), "a.csv") == FILE.data

    placed(users.writer, notes)

    assert read(users.owner.open(), "a.csv") == FILE.data


# Successes as the stores say them, with nothing in them that a store says.
UNREADABLE = {
    "azure": "201 Created",
    "gcs": "200 OK",
    "s3": "200 OK",
    "s3_on_moto": "200 OK",
}


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize(
    ("store", "body"),
    [*((store, body) for store in UNREADABLE for body in (b"", b"<html></html>")), ("gcs", b"{}")],
)
def test_what_was_done_and_answered_unreadably_may_be_there(
    request: pytest.FixtureRequest, store: str, size: int, body: bytes
) -> None:
    users: Users = request.getfixturevalue(f"{store}_users")
    plan = Once(Instead(status=UNREADABLE[store], body=body, kind="text/html", done=True), finishes)
    with fault_proxy(port_of(users.writer), plan) as proxy:
        blind = led_to(proxy.url, users.writer).open()
        with pytest.raises(HourFailed) as caught:
            put(blind, "a.csv", noise(size))

    assert caught.value.unheard
    assert read(users.owner.open(), "a.csv") == noise(size)


@pytest.mark.parametrize("store", UNREADABLE)
def test_what_was_answered_unreadably_is_no_obstacle_to_the_next_attempt(
    request: pytest.FixtureRequest, store: str
) -> None:
    users: Users = request.getfixturevalue(f"{store}_users")
    notes = Notes()
    plan = Once(Instead(status=UNREADABLE[store], kind="text/html", done=True), finishes)
    with fault_proxy(port_of(users.writer), plan) as proxy:
        with pytest.raises(PermanentFailure, match="is not a store of this kind; check the address"):
            placed(led_to(proxy.url, users.writer), notes)

        placed(led_to(proxy.url, users.writer), notes)

    assert read(users.owner.open(), "a.csv") == FILE.data


# Fields with words that the vendors' clients take for numbers, times, digests, and stumble over.
STUMBLED_OVER = [
    ("azure", {"Last-Modified": "yesterday"}),
    ("azure", {"Date": "today"}),
    ("azure", {"Content-MD5": "zz!"}),
    ("azure", {"x-ms-request-server-encrypted": "perhaps"}),
    ("s3", {"x-amz-object-size": "NaN"}),
]


@pytest.mark.parametrize(("store", "fields"), STUMBLED_OVER)
def test_what_the_client_stumbles_over_in_a_success_is_no_obstacle_to_the_next_attempt(
    request: pytest.FixtureRequest, store: str, fields: dict[str, str]
) -> None:
    users: Users = request.getfixturevalue(f"{store}_users")
    notes = Notes()
    answer = Instead(status=UNREADABLE[store], fields={"ETag": '"7f3a"', **fields}, done=True)
    with fault_proxy(port_of(users.writer), Once(answer, finishes)) as proxy:
        with pytest.raises(PermanentFailure, match="is not a store of this kind; check the address"):
            placed(led_to(proxy.url, users.writer), notes)
        assert read(users.owner.open(), "a.csv") == FILE.data

        placed(led_to(proxy.url, users.writer), notes)

    assert read(users.owner.open(), "a.csv") == FILE.data


@pytest.mark.parametrize("fault", [Fault.UNAVAILABLE, Fault.THROTTLED])
def test_who_was_sent_away_leaves_anothers_object_alone_in_the_next_attempt_too(
    users: Users, fault: Fault
) -> None:
    put(users.owner.open(), "a.csv", b"precious")
    notes = Notes()
    with fault_proxy(port_of(users.writer), Once(fault, publishes)) as proxy:
        for _ in range(2):
            with pytest.raises(Taken):
                placed(led_to(proxy.url, users.writer), notes)

    assert read(users.owner.open(), "a.csv") == b"precious"


def test_so_does_who_was_told_that_there_is_no_room(users: Users) -> None:
    put(users.owner.open(), "a.csv", b"precious")
    notes, plan = Notes(), Once(Instead(status="507 Insufficient Storage"), publishes)
    with fault_proxy(port_of(users.writer), plan) as proxy:
        with suppress(TransientFailure, Taken):  # S3's client does not ask again
            placed(led_to(proxy.url, users.writer), notes)
        with pytest.raises(Taken):
            placed(led_to(proxy.url, users.writer), notes)

    assert plan.met
    assert read(users.owner.open(), "a.csv") == b"precious"


@pytest.mark.parametrize("store", ["s3", "s3_on_moto"])
def test_and_who_was_sent_away_after_the_store_had_begun_to_join_parts(
    request: pytest.FixtureRequest, store: str
) -> None:
    users: Users = request.getfixturevalue(f"{store}_users")
    put(users.owner.open(), "a.csv", b"precious")
    notes, busy = Notes(), Instead(status="200 OK", body=UNAVAILABLE_BODY)
    with fault_proxy(port_of(users.writer), Once(busy, joins)) as proxy:
        for _ in range(2):
            with pytest.raises(Taken):
                placed(led_to(proxy.url, users.writer), notes, BytesContent(noise(9 * MIB)))

    assert read(users.owner.open(), "a.csv") == b"precious"


@pytest.mark.parametrize("code", ["ConditionalRequestConflict", "OperationAborted"])
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_who_meets_others_at_work_on_s3_has_nothing_there_and_tries_again(
    s3_users: Users, size: int, code: str
) -> None:
    """It is not said whether the key is free."""
    notes, content = Notes(), BytesContent(noise(size))
    at_work = Instead(status="409 Conflict", body=f"<Error><Code>{code}</Code></Error>".encode())
    plan = Once(at_work, finishes, times=2)
    with fault_proxy(port_of(s3_users.writer), plan) as proxy:
        for _ in range(2):
            with pytest.raises(Contended, match="at this moment; try again"):
                placed(led_to(proxy.url, s3_users.writer), notes, content)
            assert notes.keys == set()

        placed(led_to(proxy.url, s3_users.writer), notes, content)
    assert read(s3_users.owner.open(), "a.csv") == content.data


def test_nor_is_a_strangers_object_that_others_are_at_written_over(s3_users: Users) -> None:
    put(s3_users.owner.open(), "a.csv", b"precious")
    notes = Notes()
    plan = Once(
        Instead(status="409 Conflict", body=b"<Error><Code>OperationAborted</Code></Error>"), finishes
    )
    with fault_proxy(port_of(s3_users.writer), plan) as proxy:
        with pytest.raises(Contended):
            placed(led_to(proxy.url, s3_users.writer), notes)
        with pytest.raises(Taken):
            placed(led_to(proxy.url, s3_users.writer), notes)

    assert read(s3_users.owner.open(), "a.csv") == b"precious"


@pytest.mark.parametrize("who", ["owner", "writer", "apart", "misread"])
@pytest.mark.parametrize("store", ["http", "s3", "s3_on_moto"])
def test_what_a_store_says_it_spoilt_is_replaced_by_the_next_attempt_whoever_may_look(
    request: pytest.FixtureRequest, http_receiver: Receiver, store: str, who: str
) -> None:
    """Of the stores that tell what they took. The others refuse what is not as it was announced."""
    http_receiver.behaviour.tells_digest = True
    users: Users = request.getfixturevalue(f"{store}_users")
    config, notes = getattr(users, who), Notes()
    plan = Once(Fault.SPOILT, publishes)
    with fault_proxy(port_of(config), plan) as proxy:
        with pytest.raises(Spoilt, match=r"'a\.csv' .* something else than was sent, and that is there"):
            placed(led_to(proxy.url, config), notes)
        assert len([asked for asked, _ in proxy.arrivals if publishes(asked)]) == 1
        spoil(users.owner)

        placed(led_to(proxy.url, config), notes)

    assert read(users.owner.open(), "a.csv") == FILE.data
    assert notes.keys == {"a.csv"}


def spoil(owner: ConnectorConfig) -> None:
    """Let the object be other bytes, described as before."""
    there = owner.open().head("a.csv")
    assert there is not None
    put(owner.open(), "a.csv", FILE.data[::-1], replaces=there.version, metadata=there.metadata)


def test_a_store_that_asks_for_a_while_is_left_alone_for_that_long(asking_connector: ConnectorConfig) -> None:
    with fault_proxy(port_of(asking_connector), Once(Fault.THROTTLED, writes)) as proxy:
        put(led_to(proxy.url, asking_connector).open(), "a.csv", b"1")
        refused, repeated = [moment for request, moment in proxy.arrivals if writes(request)][:2]

    assert repeated - refused >= 1


@pytest.mark.parametrize("status", ["503 Service Unavailable", "429 Too Many Requests"])
def test_a_store_that_asks_for_more_than_anybody_waits_is_not_asked_again(
    asking_connector: ConnectorConfig, status: str
) -> None:
    busy = Instead(status=status, body=UNAVAILABLE_BODY, fields={"Retry-After": "3600"})
    with fault_proxy(port_of(asking_connector), Once(busy, writes, times=999)) as proxy:
        with pytest.raises(TransientFailure, match="try again later") as caught:
            put(led_to(proxy.url, asking_connector).open(), "a.csv", b"1")

        assert len([request for request, _ in proxy.arrivals if writes(request)]) == 1
    assert caught.value.wait == 3600


def test_a_store_that_stays_down_is_worth_another_try_and_shows_nothing(
    asking_connector: ConnectorConfig,
) -> None:
    with fault_proxy(port_of(asking_connector), Once(Fault.UNAVAILABLE, writes, times=999)) as proxy:
        destination = led_to(proxy.url, asking_connector).open()

        with pytest.raises(TransientFailure, match="try again later"):
            put(destination, "a.csv", b"1")

        assert len([request for request, _ in proxy.arrivals if writes(request)]) > 2
    assert keys(asking_connector.open()) == []


@pytest.mark.parametrize("fault", [Fault.UNAVAILABLE, Fault.THROTTLED, Fault.RESET, Fault.SLOW])
def test_a_reading_that_is_not_begun_at_once_is_whole(
    asking_connector: ConnectorConfig, fault: Fault
) -> None:
    put(asking_connector.open(), "a.csv", noise(5 * MIB))
    with fault_proxy(port_of(asking_connector), Once(fault, reads)) as proxy:
        assert read(led_to(proxy.url, asking_connector).open(), "a.csv") == noise(5 * MIB)


def test_a_reading_that_breaks_off_is_no_shorter_object(asking_connector: ConnectorConfig) -> None:
    put(asking_connector.open(), "a.csv", noise(5 * MIB))
    with fault_proxy(port_of(asking_connector), Once(Fault.TRUNCATED, reads, times=99)) as proxy:
        destination = led_to(proxy.url, asking_connector).open()

        with pytest.raises(TransientFailure, match=r"a\.csv"):
            read(destination, "a.csv")


# Of a receiver nobody asks that.
NO_LIST = "cannot be asked what it holds"

# For a token, whether something is there, and to write: nobody is asked again who sends us on.
MOST_ASKED = 5

USES: dict[str, Callable[[Destination], Any]] = {
    "look": lambda there: there.head("a"),
    "read": lambda there: read(there, "a"),
    "list": lambda there: [*there.list("")],
    "write": lambda there: put(there, "a", b"1"),
    "delete": lambda there: there.delete("a"),
}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_nobody_is_followed_elsewhere(
    asking_connector: ConnectorConfig, use: Callable[[Destination], Any], status: int
) -> None:
    with site() as running, site() as elsewhere:
        there = led_to(running.url, asking_connector).open()
        running.answer(status, {"Location": f"{elsewhere.url}/secret"})
        with pytest.raises(
            PermanentFailure, match=rf"sends us (on )?to 127\.0\.0\.1, and nobody|{NO_LIST}"
        ) as caught:
            use(there)
        asked = len(running.heard)
        running.answer(status, {})
        with pytest.raises(
            PermanentFailure, match=rf"sends us (on )?to (another place|nowhere).*; change|{NO_LIST}"
        ):
            use(there)

    assert "secret" not in str(caught.value)
    assert asked <= MOST_ASKED
    assert not elsewhere.heard


@pytest.mark.parametrize("fault", [Fault.RESET, pytest.param(Fault.RESET_AFTER, marks=pytest.mark.slow)])
def test_the_check_of_a_store_that_breaks_down_in_its_middle_ends(
    asking_connector: ConnectorConfig, fault: Fault
) -> None:
    """And is told as what may pass. Errors that were met on the way out of others may lead in a circle."""
    gone: list[Request] = []

    def breaks_down(request: Request) -> Fault | None:
        if gone or finishes(request):
            gone.append(request)
        return fault if gone else None

    found: list[CheckStep] = []
    with fault_proxy(port_of(asking_connector), breaks_down) as proxy:
        config = led_to(proxy.url, asking_connector)
        checking = Thread(
            target=lambda: found.extend(check(config.open(), config.address, inside=True)), daemon=True
        )
        checking.start()
        checking.join(120)

        assert not checking.is_alive()
    assert (found[-1].name, found[-1].ok, found[-1].passes) == ("write", False, True)
