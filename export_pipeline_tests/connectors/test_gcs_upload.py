"""Sessions: overtaken, given up, taken in small bites, and begun under another condition."""

import json
from collections.abc import Iterator

import pytest

from export_pipeline.connectors.destination import WHATEVER, Proof
from export_pipeline.errors import Conflict, PermanentFailure, Spoilt, TransientFailure
from export_pipeline_tests.connectors.objects import MIB, keys, led_to, noise, put, read
from export_pipeline_tests.servers.fault_proxy import Fault, Instead, Once, Request, fault_proxy
from export_pipeline_tests.servers.gcs import GcsServer, credentials_of

SIZES = {"in one request": 3, "in parts": 9 * MIB}
BITE = 256 * 1024  # Google takes a multiple of it


@pytest.fixture
def bucket(gcs_server: GcsServer) -> str:
    return gcs_server.new_bucket()


@pytest.fixture
def small_bites(gcs_server: GcsServer) -> Iterator[None]:
    gcs_server.gate.appetite = 3 * BITE
    yield
    gcs_server.gate.appetite = None


def sessions(server: GcsServer, bucket: str) -> int:
    return sum(
        session.bucket == bucket and session.answer is None for session in server.gate.sessions.values()
    )


@pytest.mark.usefixtures("small_bites")
def test_a_store_may_take_less_than_it_is_given(gcs_server: GcsServer, bucket: str) -> None:
    destination = gcs_server.config(bucket).open()

    put(destination, "a.csv", noise(17 * MIB))

    assert read(destination, "a.csv") == noise(17 * MIB)


def test_a_store_that_takes_nothing_is_given_up(gcs_server: GcsServer, bucket: str) -> None:
    gcs_server.gate.appetite = 0
    try:
        with pytest.raises(TransientFailure, match="takes no more"):
            put(gcs_server.config(bucket).open(), "a.csv", noise(9 * MIB))
    finally:
        gcs_server.gate.appetite = None


def finishes(request: Request) -> bool:
    return "uploadType=multipart" in request.path or ends(request)


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_the_proof_is_the_stores_checksum_where_it_tells_one(
    gcs_server: GcsServer, bucket: str, size: int
) -> None:
    upload = gcs_server.config(bucket).open().begin("a.csv", {})
    upload.write(noise(size))
    upload.commit(replaces=None)

    assert upload.proof is Proof.CHECKSUM


def answered(**described: object) -> Instead:
    """What the store says of an object that it has made."""
    body = json.dumps({"generation": "5", **described}).encode()
    return Instead(status="200 OK", kind="application/json", body=body, done=True)


@pytest.mark.parametrize(
    "told", [{}, {"crc32c": None}, {"crc32c": ""}, {"crc32c": 5}, {"crc32c": "55bc801d"}]
)
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_a_store_that_tells_no_checksum_is_taken_at_its_word(
    gcs_server: GcsServer, bucket: str, size: int, told: dict[str, object]
) -> None:
    with fault_proxy(gcs_server.port, Once(answered(**told), finishes)) as proxy:
        upload = led_to(proxy.url, gcs_server.config(bucket)).open().begin("a.csv", {})
        upload.write(noise(size))
        upload.commit(replaces=None)

    assert upload.proof is Proof.ANSWER


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_a_store_that_tells_another_checksum_took_something_else(
    gcs_server: GcsServer, bucket: str, size: int
) -> None:
    plan = Once(answered(crc32c="AAAAAA=="), finishes)
    with fault_proxy(gcs_server.port, plan) as proxy:
        with pytest.raises(Spoilt, match=r"'a\.csv' .* something else than was sent, and that is there"):
            put(led_to(proxy.url, gcs_server.config(bucket)).open(), "a.csv", noise(size))
        assert len([asked for asked, _ in proxy.arrivals if finishes(asked)]) == 1


def ends(request: Request) -> bool:
    return request.method == "PUT" and not request.fields["content-range"].endswith("/*")


@pytest.mark.parametrize("held", [8, 100 * MIB])
def test_a_store_that_tells_of_bytes_outside_the_part_is_none(
    gcs_server: GcsServer, bucket: str, held: int
) -> None:
    """What was taken of earlier parts is here no more, and nobody has sent what comes after."""
    answer = Instead(status="308 Resume Incomplete", fields={"Range": f"bytes=0-{held - 1}"})
    with (
        fault_proxy(gcs_server.port, Once(answer, ends)) as proxy,
        pytest.raises(PermanentFailure, match="is not a store of this kind"),
    ):
        put(led_to(proxy.url, gcs_server.config(bucket)).open(), "a.csv", noise(9 * MIB))

    assert sessions(gcs_server, bucket) == 0


def test_a_store_that_takes_and_gives_back_is_left_alone_for_a_while(
    gcs_server: GcsServer, bucket: str
) -> None:
    """Or both would go on so for ever."""
    held = iter((8 * MIB + BITE, 8 * MIB))

    def plan(request: Request) -> Instead | None:
        if not ends(request) or (bytes_held := next(held, None)) is None:
            return None
        return Instead(status="308 Resume Incomplete", fields={"Range": f"bytes=0-{bytes_held - 1}"})

    with fault_proxy(gcs_server.port, plan) as proxy:
        put(led_to(proxy.url, gcs_server.config(bucket)).open(), "a.csv", noise(9 * MIB))
        spans = [asked.fields["content-range"] for asked, _ in proxy.arrivals if ends(asked)]

    assert [span.startswith("bytes */") for span in spans] == [False, False, True, False]
    assert read(gcs_server.config(bucket).open(), "a.csv") == noise(9 * MIB)


def test_metadata_that_is_none_tells_that_an_upload_is_not_there(gcs_server: GcsServer, bucket: str) -> None:
    """Whatever it was that failed is told, and not that."""

    def plan(request: Request) -> Instead | None:
        if request.method == "GET":
            body = b'{"generation": "5", "size": "1", "metadata": 5}'
            return Instead(status="200 OK", kind="application/json", body=body)
        return Instead(status="412 Precondition Failed") if "uploadType" in request.path else None

    with fault_proxy(gcs_server.port, plan) as proxy, pytest.raises(Conflict, match="by somebody else"):
        put(led_to(proxy.url, gcs_server.config(bucket)).open(), "a.csv", b"1")


def test_an_object_that_appears_in_the_meantime_is_a_conflict(gcs_server: GcsServer, bucket: str) -> None:
    destination = gcs_server.config(bucket).open()
    upload = destination.begin("a.csv", {})
    upload.write(noise(9 * MIB))
    put(destination, "a.csv", b"another's")

    with pytest.raises(Conflict, match="try again"):
        upload.commit(replaces=None)

    assert read(destination, "a.csv") == b"another's"
    assert sessions(gcs_server, bucket) == 0


def test_a_version_that_came_after_the_session_is_a_conflict(gcs_server: GcsServer, bucket: str) -> None:
    """The store was told of the condition when the session began."""
    destination = gcs_server.config(bucket).open()
    upload = destination.begin("a.csv", {})
    upload.write(noise(9 * MIB))
    version = put(destination, "a.csv", b"another's")

    with pytest.raises(Conflict, match="try again"):
        upload.commit(replaces=version)

    assert read(destination, "a.csv") == b"another's"


@pytest.mark.parametrize("end", ["abort", "commit", "failure"])
def test_no_session_is_left_open(gcs_server: GcsServer, bucket: str, end: str) -> None:
    down = False
    plan = Once(Fault.UNAVAILABLE, lambda request: down and request.method == "PUT", times=99)
    with fault_proxy(gcs_server.port, plan) as proxy:
        upload = led_to(proxy.url, gcs_server.config(bucket)).open().begin("a.csv", {})
        upload.write(noise(9 * MIB))
        open_meanwhile = sessions(gcs_server, bucket)

        if end == "abort":
            upload.abort()
        elif end == "commit":
            upload.commit(replaces=None)
        else:
            down = True
            with pytest.raises(TransientFailure):
                upload.commit(replaces=None)

    assert open_meanwhile == 1
    assert sessions(gcs_server, bucket) == 0
    assert keys(gcs_server.config(bucket).open()) == (["a.csv"] if end == "commit" else [])


@pytest.mark.parametrize("who", ["reader", "stranger"])
def test_whoever_may_look_says_what_a_session_replaces(gcs_server: GcsServer, bucket: str, who: str) -> None:
    """With a reader, also one who may only write replaces an object of several parts."""
    reading = {"reader": gcs_server.reader, "stranger": gcs_server.stranger}[who]
    writing = {"reader": gcs_server.writer, "stranger": gcs_server.admin}[who]
    read_by = credentials_of(reading)
    destination = gcs_server.config(bucket, account=writing, read=read_by).open()
    version = put(gcs_server.config(bucket).open(), "a.csv", b"the one before")

    put(destination, "a.csv", noise(9 * MIB), replaces=version)

    assert read(gcs_server.config(bucket).open(), "a.csv") == noise(9 * MIB)


def test_who_may_not_look_is_told_what_replaces_an_object_of_several_parts(
    gcs_server: GcsServer, bucket: str
) -> None:
    """As after a run that was cut off: what is there is ours, and the next one says so to no avail."""
    put(gcs_server.config(bucket).open(), "a.csv", b"the one before")

    with pytest.raises(PermanentFailure, match=r"'a.csv' is there already.*storage\.objects\.get"):
        put(
            gcs_server.config(bucket, account=gcs_server.writer).open(),
            "a.csv",
            noise(9 * MIB),
            replaces=WHATEVER,
        )

    assert read(gcs_server.config(bucket).open(), "a.csv") == b"the one before"


def test_a_reader_knows_whose_an_object_is_when_the_answer_was_lost(
    gcs_server: GcsServer, bucket: str
) -> None:
    read_by = credentials_of(gcs_server.reader)
    config = gcs_server.config(bucket, account=gcs_server.writer, read=read_by)
    plan = Once(Fault.RESET_AFTER, lambda request: "uploadType=multipart" in request.path)
    with fault_proxy(gcs_server.port, plan) as proxy:
        put(led_to(proxy.url, config).open(), "a.csv", b"1")

    assert len(plan.met) == 1
    assert read(gcs_server.config(bucket).open(), "a.csv") == b"1"
