"""One object into its place, on a folder and on a real S3 server."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from azure.storage.blob import StandardBlobTier

from export_pipeline.connectors.destination import EXPORT_ID, SHA256, Destination, Proof
from export_pipeline.connectors.folder import FolderConfig
from export_pipeline.errors import Conflict, PermanentFailure, TransientFailure
from export_pipeline.pipeline.placing import (
    PIECE_BYTES,
    BytesContent,
    Content,
    FileContent,
    Taken,
    lies_there,
    place,
)
from export_pipeline_tests.connectors.objects import Unseen, keys, put, read
from export_pipeline_tests.servers.azure import AzureServer
from export_pipeline_tests.servers.fault_proxy import Fault, Instead, Once, Request, fault_proxy
from export_pipeline_tests.servers.s3 import S3Server

KEY = "flights/2013-01-01-00-00.csv"
IDENTITY = "acme/flights"
CONTENT = BytesContent(b"carrier\r\nUA\r\n")
OTHER_CONTENT = BytesContent(b"carrier\r\nAA\r\n")
OURS = {EXPORT_ID: IDENTITY, SHA256: CONTENT.sha256}


@pytest.fixture
def folder(tmp_path: Path) -> Destination:
    return FolderConfig(path=tmp_path / "bucket").open()


@pytest.fixture
def s3(s3_server: S3Server) -> Destination:
    return s3_server.config(s3_server.new_bucket()).open()


@pytest.fixture(params=["folder", "s3"])
def destination(request: pytest.FixtureRequest) -> Destination:
    """An empty one of each kind."""
    opened: Destination = request.getfixturevalue(request.param)
    return opened


def _ours() -> None:
    """It is: nobody else is at work."""


def placed(destination: Destination, content: Content = CONTENT, identity: str = IDENTITY) -> list[int]:
    """Put the content in its place; gives what was heard of it being sent."""
    heard: list[int] = []
    place(destination, KEY, content, identity, still_ours=_ours, after_piece=heard.append)
    return heard


@dataclass(frozen=True)
class Interposed:
    """Content, and what happens while the last of it is read."""

    data: bytes
    happens: Callable[[], object]

    @property
    def size(self) -> int:
        return len(self.data)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    def pieces(self) -> Iterator[bytes]:
        yield self.data
        self.happens()


def test_what_lies_there_is_told_from_what_is_somebody_elses(destination: Destination) -> None:
    assert not lies_there(destination, KEY, CONTENT, IDENTITY)
    placed(destination)

    assert lies_there(destination, KEY, CONTENT, IDENTITY)
    assert not lies_there(destination, KEY, OTHER_CONTENT, IDENTITY)
    assert not lies_there(destination, KEY, CONTENT, "acme/weather")


def test_what_is_described_as_it_should_be_and_is_something_else_does_not_lie_there(
    destination: Destination,
) -> None:
    placed(destination)
    there = destination.head(KEY)
    assert there is not None
    put(destination, KEY, CONTENT.data[::-1], replaces=there.version, metadata=there.metadata)

    assert not lies_there(destination, KEY, CONTENT, IDENTITY)
    assert lies_there(Unseen(destination, may_look_first=True), KEY, CONTENT, IDENTITY)


def test_what_is_archived_lies_there_though_it_cannot_be_read(azure_server: AzureServer) -> None:
    container = azure_server.new_container()
    destination = azure_server.config(container).open()
    placed(destination)
    azure_server.client().get_blob_client(container, KEY).set_standard_blob_tier(StandardBlobTier.ARCHIVE)
    with pytest.raises(PermanentFailure, match="BlobArchived"):
        read(destination, KEY)

    assert lies_there(destination, KEY, CONTENT, IDENTITY)
    assert not lies_there(destination, KEY, OTHER_CONTENT, IDENTITY)


def said(status: str, code: str) -> Instead:
    return Instead(status=status, body=f"<Error><Code>{code}</Code><Message>x</Message></Error>".encode())


@pytest.mark.parametrize(
    "answer",
    [
        said("400 Bad Request", "KMS.DisabledException"),
        said("405 Method Not Allowed", "MethodNotAllowed"),
    ],
    ids=lambda answer: answer.status,
)
def test_so_does_what_a_store_gives_to_nobody_any_more(s3_server: S3Server, answer: Instead) -> None:
    config = s3_server.config(s3_server.new_bucket())
    placed(config.open())
    with fault_proxy(s3_server.port, Once(answer, reads)) as proxy:
        destination = config.model_copy(update={"endpoint_url": proxy.url}).open()

        assert lies_there(destination, KEY, CONTENT, IDENTITY)


def reads(request: Request) -> bool:
    return request.method == "GET"


def fail() -> None:
    raise OSError("the disk is gone")


def test_content_is_placed_with_its_owner_and_its_digest(destination: Destination) -> None:
    placed(destination)
    there = destination.head(KEY)
    assert there is not None
    assert read(destination, KEY) == CONTENT.data
    assert {name: there.metadata[name] for name in OURS} == OURS


@pytest.mark.parametrize("metadata", [{}, {EXPORT_ID: "acme/weather"}], ids=["nobody's", "another export's"])
def test_an_object_that_is_not_ours_is_refused_and_left_as_it_is(
    destination: Destination, metadata: dict[str, str]
) -> None:
    put(destination, KEY, b"precious", metadata=metadata)
    with pytest.raises(PermanentFailure, match="not this export's"):
        placed(destination)
    assert read(destination, KEY) == b"precious"


def test_an_object_not_ours_is_refused_even_if_it_is_equal(destination: Destination) -> None:
    put(destination, KEY, CONTENT.data, metadata={**OURS, EXPORT_ID: "acme/weather"})
    with pytest.raises(PermanentFailure, match="not this export's"):
        placed(destination)


def test_our_own_older_object_is_replaced(destination: Destination) -> None:
    placed(destination, OTHER_CONTENT)
    placed(destination)
    assert read(destination, KEY) == CONTENT.data


def test_an_equal_object_is_not_sent_again(destination: Destination) -> None:
    assert placed(destination) == [CONTENT.size]
    assert placed(destination) == []


def test_an_equal_file_keeps_its_time(folder: Destination, tmp_path: Path) -> None:
    placed(folder)
    before = (tmp_path / "bucket" / KEY).stat().st_mtime_ns
    placed(folder)
    assert (tmp_path / "bucket" / KEY).stat().st_mtime_ns == before


def test_a_damaged_object_that_claims_to_be_whole_is_written_again(destination: Destination) -> None:
    """Size and metadata are right; only reading it shows the damage."""
    put(destination, KEY, CONTENT.data.replace(b"U", b"\0"), metadata=OURS)
    placed(destination)
    assert read(destination, KEY) == CONTENT.data


def test_a_place_taken_while_we_write_is_a_conflict_and_the_other_stays(destination: Destination) -> None:
    late = Interposed(CONTENT.data, lambda: put(destination, KEY, b"theirs"))
    with pytest.raises(Conflict):
        placed(destination, late)
    assert read(destination, KEY) == b"theirs"


def test_an_object_changed_while_we_replace_it_is_a_conflict_and_the_other_stays(
    destination: Destination,
) -> None:
    placed(destination, OTHER_CONTENT)
    there = destination.head(KEY)
    assert there is not None
    late = Interposed(CONTENT.data, lambda: put(destination, KEY, b"theirs", replaces=there.version))
    with pytest.raises(Conflict):
        placed(destination, late)
    assert read(destination, KEY) == b"theirs"


def test_content_that_fails_midway_leaves_nothing_to_be_seen(destination: Destination) -> None:
    with pytest.raises(OSError, match="the disk is gone"):
        placed(destination, Interposed(b"half of it", fail))
    assert keys(destination) == []


def test_content_that_fails_midway_leaves_the_older_object(destination: Destination) -> None:
    placed(destination, OTHER_CONTENT)
    with pytest.raises(OSError, match="the disk is gone"):
        placed(destination, Interposed(CONTENT.data, fail))
    assert read(destination, KEY) == OTHER_CONTENT.data


def test_content_that_fails_midway_leaves_no_file_behind(folder: Destination, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="the disk is gone"):
        placed(folder, Interposed(b"half of it", fail))
    assert [path for path in tmp_path.rglob("*") if path.is_file() and b"half" in path.read_bytes()] == []


def test_content_that_fails_midway_leaves_no_parts_behind(s3_server: S3Server) -> None:
    """Nobody sees them, and they are paid for until somebody finds them."""
    bucket = s3_server.new_bucket()
    with pytest.raises(OSError, match="the disk is gone"):
        placed(s3_server.config(bucket).open(), Interposed(bytes(20 << 20), fail))
    assert not s3_server.client().list_multipart_uploads(Bucket=bucket).get("Uploads")


def test_what_does_not_read_back_as_described_is_a_transient_failure(
    destination: Destination, tmp_path: Path
) -> None:
    """A file that was changed after its digest was taken."""
    file = tmp_path / "file.csv"
    file.write_bytes(OTHER_CONTENT.data)
    with pytest.raises(TransientFailure, match="does not read back as it was written"):
        placed(destination, FileContent(file, CONTENT.size, CONTENT.sha256))


def test_a_large_file_is_sent_in_pieces_and_each_is_heard_of(
    destination: Destination, tmp_path: Path
) -> None:
    data = bytes(range(256)) * (10 << 12)  # ten pieces, and more than one part of a multipart upload
    file = tmp_path / "large.csv"
    file.write_bytes(data + b"end")
    content = FileContent(file, len(data) + 3, hashlib.sha256(data + b"end").hexdigest())
    heard = placed(destination, content)
    assert heard == [*range(PIECE_BYTES, len(data) + 1, PIECE_BYTES), content.size]
    assert read(destination, KEY) == data + b"end"


def test_an_empty_file_is_an_object_without_bytes(destination: Destination, tmp_path: Path) -> None:
    file = tmp_path / "empty.csv"
    file.touch()
    placed(destination, FileContent(file, 0, hashlib.sha256().hexdigest()))
    assert read(destination, KEY) == b""


def test_a_run_whose_hour_is_anothers_by_now_publishes_nothing(destination: Destination) -> None:
    def gone() -> None:
        raise Conflict("the claim lapsed")

    heard: list[int] = []
    with pytest.raises(Conflict):
        place(destination, KEY, CONTENT, IDENTITY, still_ours=gone, after_piece=heard.append)
    assert destination.head(KEY) is None


def test_what_was_read_back_is_proven_so(destination: Destination) -> None:
    for _ in range(2):
        assert place(destination, KEY, CONTENT, IDENTITY, still_ours=_ours, after_piece=_unheard) is (
            Proof.READ_BACK
        )


@pytest.mark.parametrize("may_look_first", [True, False])
def test_where_nobody_may_read_the_stores_word_has_to_do(
    s3: Destination, folder: Destination, may_look_first: bool
) -> None:
    proofs = [
        place(
            Unseen(inner, may_look_first=may_look_first),
            KEY,
            CONTENT,
            IDENTITY,
            still_ours=_ours,
            after_piece=_unheard,
        )
        for inner in (s3, folder)
    ]

    assert proofs == [Proof.CHECKSUM, Proof.ANSWER]
    assert read(s3, KEY) == read(folder, KEY) == CONTENT.data


def test_where_nobody_may_look_nothing_is_taken_to_lie_there(folder: Destination) -> None:
    placed(folder)

    assert lies_there(folder, KEY, CONTENT, IDENTITY)
    assert not lies_there(Unseen(folder), KEY, CONTENT, IDENTITY)


def test_where_nobody_may_look_anothers_object_is_left_as_it_is(destination: Destination) -> None:
    put(destination, KEY, b"precious")

    with pytest.raises(Taken, match=r"00\.csv'.*nobody may look.*move it away, or give"):
        placed(Unseen(destination))

    assert read(destination, KEY) == b"precious"
    assert keys(destination) == [KEY]


def test_where_nobody_may_look_what_is_known_to_be_ours_is_replaced(destination: Destination) -> None:
    placed(destination, OTHER_CONTENT)

    place(Unseen(destination), KEY, CONTENT, IDENTITY, still_ours=_ours, after_piece=_unheard, ours=True)

    assert read(destination, KEY) == CONTENT.data


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


def placed_unseen(destination: Destination, notes: Notes, content: Content = CONTENT) -> None:
    place(
        Unseen(destination),
        KEY,
        content,
        IDENTITY,
        still_ours=_ours,
        after_piece=_unheard,
        begun=notes,
    )


def test_where_nobody_may_look_what_an_attempt_may_have_left_is_replaced(destination: Destination) -> None:
    notes = Notes()
    placed_unseen(destination, notes, OTHER_CONTENT)
    assert notes.keys == {KEY}

    placed_unseen(destination, notes)

    assert read(destination, KEY) == CONTENT.data


def test_an_attempt_that_met_anothers_object_lets_no_other_write_over_it(destination: Destination) -> None:
    put(destination, KEY, b"precious")
    notes = Notes()

    for _ in range(2):
        with pytest.raises(Taken, match="nobody may look"):
            placed_unseen(destination, notes)

    assert notes.keys == set()
    assert read(destination, KEY) == b"precious"


def test_nothing_is_noted_of_what_fails_before_it_is_written(folder: Destination) -> None:
    notes = Notes()
    with pytest.raises(OSError, match="the disk is gone"):
        placed_unseen(folder, notes, Interposed(b"half of it", fail))

    assert notes.keys == set()


def test_what_was_written_by_who_may_look_is_replaced_by_who_may_not(destination: Destination) -> None:
    notes = Notes()
    place(destination, KEY, OTHER_CONTENT, IDENTITY, still_ours=_ours, after_piece=_unheard, begun=notes)

    placed_unseen(destination, notes)

    assert read(destination, KEY) == CONTENT.data


def test_what_somebody_else_wrote_before_who_may_look_is_not(destination: Destination) -> None:
    notes = Notes()

    def meanwhile() -> None:
        put(destination, KEY, b"precious")

    with pytest.raises(Conflict):
        place(
            destination,
            KEY,
            OTHER_CONTENT,
            IDENTITY,
            still_ours=meanwhile,
            after_piece=_unheard,
            begun=notes,
        )

    with pytest.raises(Taken, match="nobody may look"):
        placed_unseen(destination, notes)
    assert read(destination, KEY) == b"precious"


def test_where_nobody_may_look_an_attempt_whose_answers_were_lost_is_followed_by_one_that_replaces(
    s3_server: S3Server,
) -> None:
    """It is refused in the end by the object that it made itself, and cannot know that."""
    bucket, notes = s3_server.new_bucket(), Notes()
    writer = s3_server.config(bucket, user=s3_server.writer)
    with fault_proxy(s3_server.port, Once(Fault.RESET_AFTER, writes)) as proxy:
        blind = writer.model_copy(update={"endpoint_url": proxy.url}).open()
        with pytest.raises(Conflict):
            placed_unseen(blind, notes, OTHER_CONTENT)
    assert read(s3_server.config(bucket).open(), KEY) == OTHER_CONTENT.data

    placed_unseen(writer.open(), notes)

    assert read(s3_server.config(bucket).open(), KEY) == CONTENT.data


@pytest.mark.parametrize("fault", [Fault.UNAVAILABLE, Fault.THROTTLED])
def test_where_nobody_may_look_a_store_that_took_nothing_leaves_another_object_safe(
    s3_server: S3Server, fault: Fault
) -> None:
    bucket, notes = s3_server.new_bucket(), Notes()
    put(s3_server.config(bucket).open(), KEY, b"precious")
    writer = s3_server.config(bucket, user=s3_server.writer)
    with fault_proxy(s3_server.port, Once(fault, writes, times=99)) as proxy:
        with pytest.raises(TransientFailure):
            placed_unseen(writer.model_copy(update={"endpoint_url": proxy.url}).open(), notes)
        assert proxy.arrivals

    with pytest.raises(Taken):
        placed_unseen(writer.open(), notes)

    assert read(s3_server.config(bucket).open(), KEY) == b"precious"


def writes(request: Request) -> bool:
    return request.method == "PUT"


def test_where_nobody_may_look_a_claim_that_lapsed_is_a_conflict_still(folder: Destination) -> None:
    def gone() -> None:
        raise Conflict("the claim lapsed")

    with pytest.raises(Conflict):
        place(Unseen(folder), KEY, CONTENT, IDENTITY, still_ours=gone, after_piece=_unheard)


def _unheard(_sent: int) -> None:
    """Nobody asks how far it is."""
