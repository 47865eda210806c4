"""Uploads to S3 when the network fails at the worst moment, and the parts they leave, or not."""

import re
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from export_pipeline.connectors.destination import EXPORT_ID, SHA256, Destination, Proof
from export_pipeline.connectors.retrying import ATTEMPTS_PER_REQUEST
from export_pipeline.connectors.s3_upload import MOST_NOTED
from export_pipeline.connectors.unfinished import Unfinished, keep_in, left_behind, noted
from export_pipeline.errors import Conflict, PermanentFailure, Spoilt, TransientFailure
from export_pipeline_tests.connectors.objects import MIB, keys, noise, put, read
from export_pipeline_tests.servers.fault_proxy import Fault, Instead, Once, Request, fault_proxy
from export_pipeline_tests.servers.s3 import S3Server
from export_pipeline_tests.servers.site import site

METADATA = {EXPORT_ID: "hourly-flights", SHA256: "ab" * 32}
SIZES = {"in one request": 3, "in parts": 9 * MIB}


@pytest.fixture(params=["s3_server", "moto_server"])
def server(request: pytest.FixtureRequest) -> S3Server:
    found: S3Server = request.getfixturevalue(request.param)
    return found


def is_upload(request: Request) -> bool:
    return request.method in ("PUT", "POST")


def is_put(request: Request) -> bool:
    return request.method == "PUT"


def is_complete(request: Request) -> bool:
    return request.method == "POST" and "uploadId=" in request.path


def is_publishing(request: Request) -> bool:
    return is_complete(request) or (request.method == "PUT" and "uploadId=" not in request.path)


def dangling(server: S3Server, bucket: str) -> int:
    return len(server.client().list_multipart_uploads(Bucket=bucket).get("Uploads", []))


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_a_lost_answer_to_a_creation_is_a_success(server: S3Server, size: int) -> None:
    bucket = server.new_bucket()
    plan = Once(Fault.RESET_AFTER, is_publishing)
    with fault_proxy(server.port, plan) as proxy:
        destination = server.config(bucket, endpoint_url=proxy.url).open()
        version = put(destination, "a.csv", noise(size), metadata=METADATA)

    found = server.config(bucket).open().head("a.csv")
    assert found is not None
    assert (found.version, found.metadata) == (version, METADATA)
    assert len(plan.met) == 1


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_every_answer_lost_is_a_success_still(s3_server: S3Server, size: int) -> None:
    bucket = s3_server.new_bucket()
    with fault_proxy(s3_server.port, Once(Fault.RESET_AFTER, is_publishing, times=99)) as proxy:
        destination = s3_server.config(bucket, endpoint_url=proxy.url).open()

        put(destination, "a.csv", noise(size), metadata=METADATA)

    assert read(s3_server.config(bucket).open(), "a.csv") == noise(size)


def test_anothers_object_is_a_conflict_even_with_the_same_content_and_metadata(s3_server: S3Server) -> None:
    bucket = s3_server.new_bucket()
    put(s3_server.config(bucket).open(), "a.csv", b"same", metadata=METADATA)

    with pytest.raises(Conflict):
        put(s3_server.config(bucket).open(), "a.csv", b"same", metadata=METADATA)


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_a_store_that_stays_down_is_worth_another_try(s3_server: S3Server, size: int) -> None:
    bucket = s3_server.new_bucket()
    with fault_proxy(s3_server.port, Once(Fault.UNAVAILABLE, is_upload, times=999)) as proxy:
        destination = s3_server.config(bucket, endpoint_url=proxy.url).open()

        with pytest.raises(TransientFailure, match=r"try again later.*SlowDown"):
            put(destination, "a.csv", noise(size))

    assert keys(s3_server.config(bucket).open()) == []


def test_a_part_that_fails_for_good_leaves_nothing_in_the_bucket(s3_server: S3Server) -> None:
    bucket = s3_server.new_bucket()
    with fault_proxy(s3_server.port, Once(Fault.UNAVAILABLE, is_put, times=999)) as proxy:
        upload = s3_server.config(bucket, endpoint_url=proxy.url).open().begin("a.csv", {})

        with pytest.raises(TransientFailure):
            upload.write(noise(9 * MIB))

        with pytest.raises(ValueError, match="is over: begin another"):
            upload.commit(replaces=None)
    assert dangling(s3_server, bucket) == 0


@pytest.mark.parametrize("end", ["abort", "conflict", "commit"])
def test_no_parts_stay_in_the_bucket(s3_server: S3Server, end: str) -> None:
    bucket = s3_server.new_bucket()
    destination = s3_server.config(bucket).open()
    upload = destination.begin("a.csv", {})
    upload.write(noise(20 * MIB))
    sent_meanwhile = dangling(s3_server, bucket)

    if end == "abort":
        upload.abort()
    elif end == "commit":
        upload.commit(replaces=None)
    else:
        put(destination, "a.csv", b"another's")
        with pytest.raises(Conflict):
            upload.commit(replaces=None)

    assert sent_meanwhile == 1
    assert dangling(s3_server, bucket) == 0


def test_parts_that_cannot_be_removed_are_told_to_the_operator(
    s3_server: S3Server, caplog: pytest.LogCaptureFixture
) -> None:
    bucket = s3_server.new_bucket()
    plan = Once(Fault.UNAVAILABLE, lambda request: request.method == "DELETE", times=99)
    with fault_proxy(s3_server.port, plan) as proxy:
        upload = s3_server.config(bucket, endpoint_url=proxy.url).open().begin("a.csv", {})
        upload.write(noise(9 * MIB))

        upload.abort()

    assert "parts stay in the bucket" in caplog.text
    assert "a.csv" in caplog.text


def test_one_of_eight_racing_uploads_in_parts_wins(s3_server: S3Server) -> None:
    # Amazon joins parts if the condition holds *while* it joins them. The servers that tests can have look
    # before, so that two may win; one request at a time gives them Amazon's promise.
    bucket = s3_server.new_bucket()
    contents = [noise(9 * MIB - writer) for writer in range(8)]
    start = threading.Barrier(8)

    def write(destination: Destination, content: bytes) -> bool:
        upload = destination.begin("raced.csv", METADATA)
        upload.write(content)
        start.wait(60)
        try:
            upload.commit(replaces=None)
        except Conflict:
            return False
        return True

    with fault_proxy(s3_server.port, serial=is_complete) as proxy, ThreadPoolExecutor(8) as pool:
        destination = s3_server.config(bucket, endpoint_url=proxy.url).open()
        won = list(pool.map(lambda content: write(destination, content), contents))

    assert won.count(True) == 1
    assert read(s3_server.config(bucket).open(), "raced.csv") == contents[won.index(True)]


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_the_store_keeps_checksums_and_can_verify_them(s3_server: S3Server, size: int) -> None:
    bucket = s3_server.new_bucket()
    put(s3_server.config(bucket).open(), "a.csv", noise(size))

    found = s3_server.client().head_object(Bucket=bucket, Key="a.csv", ChecksumMode="ENABLED")

    assert re.fullmatch(r"[A-Za-z0-9+/]{6}==(-2)?", found["ChecksumCRC32"])


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_the_proof_is_the_stores_checksum_where_it_tells_one(server: S3Server, size: int) -> None:
    upload = server.config(server.new_bucket()).open().begin("a.csv", {})
    upload.write(noise(size))
    upload.commit(replaces=None)

    assert upload.proof is Proof.CHECKSUM


# To the beginning of an upload in parts and to its end; other requests look at the fields.
ANSWER = b"<Answer><UploadId>7f3a</UploadId><ETag>7f3a</ETag></Answer>"


@pytest.mark.parametrize(
    "told",
    [{}, *({"x-amz-checksum-crc32": no_checksum} for no_checksum in ("", "-1", "55bc801d", "none yet"))],
    ids=lambda told: str(*told.values()),
)
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_a_store_that_tells_no_checksum_is_taken_at_its_word(
    s3_server: S3Server, size: int, told: dict[str, str]
) -> None:
    with site() as running:
        running.answer(200, {"ETag": '"7f3a"', "Content-Type": "application/xml", **told}, [ANSWER])
        upload = s3_server.config("sales", endpoint_url=running.url).open().begin("a.csv", {})
        upload.write(noise(size))
        upload.commit(replaces=None)

    assert upload.proof is Proof.ANSWER


def test_a_store_that_calls_an_upload_by_a_novel_is_not_asked_by_it(s3_server: S3Server) -> None:
    """It would be in the address of each request, and in what is told of one that fails."""
    with site() as running:
        answer = ANSWER.replace(b"7f3a<", b"7" * 100_000 + b"<", 1)
        running.answer(200, {"ETag": '"7f3a"', "Content-Type": "application/xml"}, [answer])
        destination = s3_server.config("sales", endpoint_url=running.url).open()
        with pytest.raises(PermanentFailure, match=r"own names take 100,\d+ characters") as caught:
            put(destination, "a.csv", noise(9 * MIB))

    assert len(str(caught.value)) < 1000


def test_nor_are_pages_of_a_list(s3_server: S3Server) -> None:
    page = b"<A><IsTruncated>true</IsTruncated><NextContinuationToken>%s</NextContinuationToken></A>"
    with site() as running:
        running.answer(200, {"Content-Type": "application/xml"}, [page % (b"7" * 100_000)])
        destination = s3_server.config("sales", endpoint_url=running.url).open()
        with pytest.raises(PermanentFailure, match="own names take 100,000 characters"):
            list(destination.list(""))


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_a_store_that_tells_another_checksum_took_something_else(s3_server: S3Server, size: int) -> None:
    told = {"ETag": '"7f3a"', "x-amz-checksum-crc32": "AAAAAA=="}
    with site() as running:
        running.answer(200, {**told, "Content-Type": "application/xml"}, [ANSWER])
        destination = s3_server.config("sales", endpoint_url=running.url).open()
        with pytest.raises(TransientFailure, match=r"'a\.csv' .* something else than was sent") as caught:
            put(destination, "a.csv", noise(size))

    # Whoever may not look has to know that it is there; of parts nothing is.
    assert isinstance(caught.value, Spoilt) is (size < 8 * MIB)
    assert not caught.value.unheard


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_what_is_refused_after_a_gateway_gave_up_may_have_been_done(s3_server: S3Server, size: int) -> None:
    """Of parts that are joined, the upload is gone; of a whole object, there is one already."""
    bucket = s3_server.new_bucket()
    plan = Once(Fault.GAVE_UP, is_publishing)
    with fault_proxy(s3_server.port, plan) as proxy:
        blind = s3_server.config(bucket, user=s3_server.writer, endpoint_url=proxy.url).open()
        with pytest.raises(TransientFailure) as caught:
            put(blind, "a.csv", noise(size))

    assert caught.value.unheard
    assert read(s3_server.config(bucket).open(), "a.csv") == noise(size)


def said_at_the_end(code: str) -> Instead:
    """How an answer ends that began with a success, before the store knew what comes of it."""
    return Instead(status="200 OK", body=f"<Error><Code>{code}</Code><Message>x</Message></Error>".encode())


@pytest.mark.parametrize(
    ("code", "open_"),
    [("SlowDown", False), ("ServiceUnavailable", False), ("InvalidPart", False), ("InternalError", True)],
)
def test_what_is_said_at_the_end_tells_whether_anothers_object_may_be_ours(
    server: S3Server, code: str, open_: bool
) -> None:
    bucket = server.new_bucket()
    put(server.config(bucket).open(), "a.csv", b"somebody else's")
    plan = Once(said_at_the_end(code), is_complete)
    with fault_proxy(server.port, plan) as proxy:
        blind = server.config(bucket, user=server.writer, endpoint_url=proxy.url).open()
        with pytest.raises(Conflict) as caught:
            put(blind, "a.csv", noise(9 * MIB))

    assert plan.met
    assert caught.value.unheard is open_


def test_an_upload_that_is_gone_after_a_gateway_gave_up_may_have_been_joined(s3_server: S3Server) -> None:
    bucket = s3_server.new_bucket()
    faults: list[Fault | Instead] = [Fault.GAVE_UP, *[said_at_the_end("NoSuchUpload")] * ATTEMPTS_PER_REQUEST]
    in_turn = iter(faults)
    with fault_proxy(
        s3_server.port, lambda request: next(in_turn, None) if is_complete(request) else None
    ) as proxy:
        blind = s3_server.config(bucket, user=s3_server.writer, endpoint_url=proxy.url).open()
        with pytest.raises(TransientFailure, match="NoSuchUpload") as caught:
            put(blind, "a.csv", noise(9 * MIB))

    assert caught.value.unheard


# What no store answers, and our own ways of sending refuse.
SENT_ON = Instead(status="302 Found", fields={"Location": "https://maintenance.example/"})
ENDLESS = Instead(status="200 OK", body=b"x" * (9 << 20), kind="text/html")


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize(
    ("answers", "open_"),
    [([Fault.RESET_AFTER, SENT_ON], True), ([SENT_ON], False), ([ENDLESS], True)],
    ids=["lost and sent on", "sent on", "endless"],
)
def test_what_no_store_answers_undoes_nothing(
    s3_server: S3Server, size: int, answers: list[Fault | Instead], open_: bool
) -> None:
    in_turn = iter(answers)
    with fault_proxy(
        s3_server.port, lambda request: next(in_turn, None) if is_publishing(request) else None
    ) as proxy:
        blind = s3_server.config(s3_server.new_bucket(), user=s3_server.writer, endpoint_url=proxy.url).open()
        with pytest.raises(PermanentFailure) as caught:
            put(blind, "a.csv", noise(size))

    assert next(in_turn, None) is None
    assert caught.value.unheard is open_


def test_nobody_there_any_more_does_not_undo_what_was_done_before(s3_server: S3Server) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def give_up() -> None:
            client, _ = listener.accept()
            with client:
                client.recv(1 << 16)
                listener.close()
                client.sendall(b"HTTP/1.1 504 Gateway Timeout\r\nContent-Length: 0\r\n\r\n")

        giving_up = threading.Thread(target=give_up)
        giving_up.start()
        destination = s3_server.config("sales", endpoint_url=f"http://127.0.0.1:{port}").open()
        with pytest.raises(TransientFailure, match="is the address right") as caught:
            put(destination, "a.csv", b"1")
        giving_up.join()

    assert caught.value.unheard


def test_where_the_answer_was_lost_no_checksum_was_told(server: S3Server) -> None:
    plan = Once(Fault.RESET_AFTER, is_publishing, times=99)
    with fault_proxy(server.port, plan) as proxy:
        upload = server.config(server.new_bucket(), endpoint_url=proxy.url).open().begin("a.csv", {})
        upload.write(b"1")
        upload.commit(replaces=None)

    assert upload.proof is Proof.ANSWER


@pytest.fixture
def notes(tmp_path: Path) -> Iterator[Path]:
    keep_in(tmp_path / "notes")
    yield tmp_path / "notes"
    keep_in(None)


def strangers(server: S3Server, bucket: str) -> set[str]:
    """The uploads of other software, one of them of the very key that is ours."""
    client = server.client()
    return {
        client.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"] for key in ("a.csv", "theirs.csv")
    }


def unfinished(server: S3Server, bucket: str) -> set[str]:
    found = server.client().list_multipart_uploads(Bucket=bucket).get("Uploads", [])
    return {upload["UploadId"] for upload in found}


def test_parts_that_could_not_be_removed_are_removed_by_the_next_upload(
    server: S3Server, notes: Path
) -> None:
    bucket = server.new_bucket()
    theirs = strangers(server, bucket)
    down = Once(Fault.UNAVAILABLE, lambda request: request.method == "DELETE", times=ATTEMPTS_PER_REQUEST)
    with fault_proxy(server.port, down) as proxy:
        config = server.config(bucket, endpoint_url=proxy.url)
        upload = config.open().begin("a.csv", {})
        upload.write(noise(9 * MIB))
        upload.abort()
        left = unfinished(server, bucket) - theirs

        put(config.open(), "b.csv", b"1")

    assert len(left) == 1
    assert unfinished(server, bucket) == theirs
    assert list(notes.iterdir()) == []


def test_of_parts_that_somebody_else_removed_nothing_is_left_to_tell(
    server: S3Server, notes: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bucket = server.new_bucket()
    upload = server.config(bucket).open().begin("a.csv", {})
    upload.write(noise(9 * MIB))
    (ours,) = unfinished(server, bucket)
    server.client().abort_multipart_upload(Bucket=bucket, Key="a.csv", UploadId=ours)

    upload.abort()

    assert "stay in the bucket" not in caplog.text
    assert list(notes.iterdir()) == []


def test_an_upload_that_goes_on_is_not_ended_by_the_next(server: S3Server, notes: Path) -> None:
    bucket = server.new_bucket()
    upload = server.config(bucket).open().begin("a.csv", {})
    upload.write(noise(9 * MIB))

    put(server.config(bucket).open(), "b.csv", b"1")
    upload.commit(replaces=None)

    assert read(server.config(bucket).open(), "a.csv") == noise(9 * MIB)
    assert list(notes.iterdir()) == []


def test_what_is_gone_already_is_forgotten(server: S3Server, notes: Path) -> None:
    bucket = server.new_bucket()
    destination = server.config(bucket).opened()
    note = noted(Unfinished(place=destination.place, key="a.csv", upload_id="7f3a7f3a"))
    assert note is not None
    note.leave()

    put(destination, "b.csv", b"1")

    assert list(notes.iterdir()) == []


def test_what_may_not_be_ended_stays_noted_and_breaks_no_upload(
    moto_server: S3Server, notes: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bucket = moto_server.new_bucket()
    destination = moto_server.config(bucket, user=moto_server.reader).opened()
    note = noted(Unfinished(place=destination.place, key="a.csv", upload_id="7f3a7f3a"))
    assert note is not None
    note.leave()

    destination.begin("b.csv", {}).abort()

    assert "not allowed to abandon 'a.csv'" in caplog.text
    assert len(list(notes.iterdir())) == 1


def test_notes_of_what_may_not_be_ended_do_not_add_up(moto_server: S3Server, notes: Path) -> None:
    bucket = moto_server.new_bucket()
    destination = moto_server.config(bucket, user=moto_server.reader).opened()
    for number in range(MOST_NOTED + 5):
        note = noted(Unfinished(place=destination.place, key="a.csv", upload_id=f"{number:08}"))
        assert note is not None
        note.leave()
    other = noted(Unfinished(place="https://store s3://theirs", key="a.csv", upload_id="7f3a7f3a"))
    assert other is not None
    other.leave()

    destination.begin("b.csv", {}).abort()

    assert len(list(notes.iterdir())) == MOST_NOTED + 1
    assert [upload.upload_id for upload, _ in left_behind("https://store s3://theirs")] == ["7f3a7f3a"]
