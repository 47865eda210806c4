"""Writing with one user and reading with another, on a real store with users of different rights."""

from dataclasses import dataclass

import pytest

from export_pipeline.connectors.destination import EXPORT_ID, Destination, Proof
from export_pipeline.connectors.reading import ReadApart, seen
from export_pipeline.errors import Denied, PermanentFailure, Unreadable
from export_pipeline.pipeline.placing import BytesContent, Taken, place
from export_pipeline_tests.connectors.objects import keys, put, read
from export_pipeline_tests.servers.s3 import S3Server, User

CONTENT = BytesContent(b"carrier\r\nUA\r\n")


@dataclass(frozen=True, slots=True)
class Bucket:
    """One bucket, opened for each of its users."""

    owner: Destination
    reader: Destination
    writer: Destination
    stranger: Destination


@pytest.fixture
def bucket(s3_server: S3Server) -> Bucket:
    name = s3_server.new_bucket()
    guessing = User(access_key_id=s3_server.admin.access_key_id, secret_access_key="guessed-guessed")
    users = s3_server.admin, s3_server.reader, s3_server.writer, guessing
    return Bucket(*(s3_server.config(name, user=user).opened() for user in users))


def placed(destination: Destination, content: BytesContent = CONTENT, *, ours: bool = False) -> Proof:
    return place(
        destination,
        "a.csv",
        content,
        "acme/flights",
        still_ours=lambda: None,
        after_piece=lambda _: None,
        ours=ours,
    )


def test_each_user_does_their_part(bucket: Bucket) -> None:
    apart = ReadApart(writer=bucket.writer, reader=bucket.reader)

    put(apart, "a.csv", b"1", metadata={"rows": "1"})

    assert read(apart, "a.csv") == b"1"
    found = apart.head("a.csv")
    assert found is not None
    assert found.metadata == {"rows": "1"}
    assert keys(apart) == ["a.csv"]
    apart.delete("a.csv")
    assert keys(bucket.owner) == []


def test_who_may_not_look_is_told_so_and_who_was_asked(bucket: Bucket) -> None:
    put(bucket.owner, "a.csv", b"1")
    apart = ReadApart(writer=bucket.writer, reader=bucket.stranger)

    with pytest.raises(Unreadable, match=r"with the credentials for reading: not allowed to read"):
        read(apart, "a.csv")
    with pytest.raises(Unreadable, match=r"with the credentials for reading: not allowed to look at"):
        apart.head("a.csv")
    with pytest.raises(Unreadable, match=r"^not allowed to list"):
        keys(ReadApart(writer=bucket.writer, reader=bucket.writer))


def test_an_object_is_looked_at_by_who_writes_if_the_reader_may_not(bucket: Bucket) -> None:
    put(bucket.owner, "a.csv", b"1")

    found = ReadApart(writer=bucket.owner, reader=bucket.stranger).head("a.csv")

    assert found is not None
    assert found.size == 1


def test_what_lies_there_is_seen_by_the_reader_or_else_by_who_writes(bucket: Bucket) -> None:
    put(bucket.owner, "a.csv", b"1")

    by_the_reader = seen("a.csv", bucket.reader.head, bucket.writer.head)
    by_the_writer = seen("a.csv", bucket.stranger.head, bucket.owner.head)

    assert by_the_reader == by_the_writer == seen("a.csv", None, bucket.owner.head)
    assert by_the_reader is not None
    assert seen("b.csv", bucket.reader.head, bucket.writer.head) is None
    with pytest.raises(Denied):
        seen("a.csv", bucket.stranger.head, bucket.writer.head)


def test_a_wrong_reader_breaks_no_delivery_and_the_proof_is_the_stores(bucket: Bucket) -> None:
    apart = ReadApart(writer=bucket.owner, reader=bucket.stranger)

    assert placed(apart) is Proof.CHECKSUM
    assert placed(apart) is Proof.CHECKSUM  # again, although it lies there: nobody could read it
    assert placed(ReadApart(writer=bucket.owner, reader=bucket.reader)) is Proof.READ_BACK
    assert read(bucket.owner, "a.csv") == CONTENT.data


def test_with_a_wrong_reader_anothers_object_is_still_not_overwritten(bucket: Bucket) -> None:
    put(bucket.owner, "a.csv", b"somebody else's", metadata={EXPORT_ID: "other/flights"})

    with pytest.raises(PermanentFailure, match="not this export's"):
        placed(ReadApart(writer=bucket.owner, reader=bucket.stranger))

    assert read(bucket.owner, "a.csv") == b"somebody else's"


def test_who_can_only_write_replaces_what_is_known_to_be_its_own(bucket: Bucket) -> None:
    apart = ReadApart(writer=bucket.writer, reader=bucket.writer)
    another = BytesContent(b"another revision")

    assert placed(apart) is Proof.CHECKSUM
    with pytest.raises(Taken, match="nobody may look"):
        placed(apart, another)
    assert read(bucket.owner, "a.csv") == CONTENT.data
    assert placed(apart, another, ours=True) is Proof.CHECKSUM

    assert read(bucket.owner, "a.csv") == b"another revision"


def test_a_wrong_writer_fails_whatever_the_reader_may(bucket: Bucket) -> None:
    with pytest.raises(Denied, match="not allowed to write"):
        placed(ReadApart(writer=bucket.stranger, reader=bucket.reader))
