"""Parts are sent as they fill, an object is made of them once, and a lost answer is looked after."""

from dataclasses import dataclass, field

import pytest

from export_pipeline.connectors.destination import Proof, Version
from export_pipeline.connectors.parts import FIRST_PART_BYTES, Part
from export_pipeline.connectors.streamed import UPLOAD_ID, StreamedUpload, named, unnamed
from export_pipeline.errors import Conflict, HourFailed, Kept, PermanentFailure, Spoilt, TransientFailure


@dataclass
class Shelf:
    """A store of one object in this process. It can be told to fail, before or after it has done as asked."""

    fails: dict[str, HourFailed] = field(default_factory=dict)
    taken: list[bytes] = field(default_factory=list)
    object: bytes | None = None
    calls: list[str] = field(default_factory=list)
    proof: Proof = Proof.ANSWER
    left: str | None = None

    def begin_parts(self) -> bool:
        self._called("begin_parts")
        return True

    def send(self, part: Part) -> None:
        self._called("send")
        self.taken.append(_bytes(part))

    def publish(self, last: Part, *, replaces: Version | None) -> Version:
        assert replaces is None
        self._called("publish")
        self.object = b"".join([*self.taken, _bytes(last)])
        self._called("answer")
        return Version("1")

    def published(self) -> Version | None:
        self._called("published")
        return None if self.object is None else Version("1")

    def abandon(self) -> str | None:
        self._called("abandon")
        return self.left

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if failure := self.fails.get(name):
            raise failure


def _bytes(part: Part) -> bytes:
    part.body.seek(0)
    return part.body.read()


def written(shelf: Shelf, *pieces: bytes) -> StreamedUpload:
    upload = StreamedUpload("a.csv", shelf)
    for piece in pieces:
        upload.write(piece)
    return upload


@pytest.fixture
def large() -> bytes:
    return bytes(FIRST_PART_BYTES) + b"more"


def test_what_may_not_be_removed_is_told_whenever_it_is_asked() -> None:
    upload = written(Shelf(left="not allowed"), b"1")

    assert [upload.abort(), upload.abort()] == ["not allowed", "not allowed"]


def test_what_fits_is_sent_with_the_commit() -> None:
    shelf = Shelf()

    assert written(shelf, b"1", b"2").commit(replaces=None) == Version("1")
    assert shelf.object == b"12"
    assert shelf.calls == ["publish", "answer", "abandon"]


def test_a_part_that_is_full_and_followed_by_more_is_sent_at_once(large: bytes) -> None:
    shelf = Shelf()
    upload = written(shelf, large)

    assert shelf.calls == ["send"]
    upload.commit(replaces=None)
    assert shelf.object == large


def test_what_is_small_goes_in_parts_when_told_so() -> None:
    shelf = Shelf()
    upload = written(shelf, b"1")

    assert upload.begin_parts()
    upload.commit(replaces=None)
    assert shelf.calls == ["begin_parts", "publish", "answer", "abandon"]


def test_parts_that_cannot_be_begun_are_the_end_of_the_upload() -> None:
    shelf = Shelf({"begin_parts": PermanentFailure("cannot do this")})
    upload = written(shelf, b"1")

    with pytest.raises(PermanentFailure, match="cannot do this"):
        upload.begin_parts()

    assert shelf.calls == ["begin_parts", "abandon"]


def test_a_part_that_fails_is_the_end_of_the_upload(large: bytes) -> None:
    shelf = Shelf({"send": TransientFailure("busy")})
    upload = StreamedUpload("a.csv", shelf)

    with pytest.raises(TransientFailure, match="busy"):
        upload.write(large)

    assert shelf.calls == ["send", "abandon"]
    with pytest.raises(ValueError, match=r"'a\.csv' is over: begin another"):
        upload.commit(replaces=None)


@pytest.mark.parametrize(
    "lost", [TransientFailure("no answer"), Conflict("somebody was faster"), Kept("it may not be replaced")]
)
def test_an_object_that_is_ours_after_all_is_a_success(lost: HourFailed) -> None:
    shelf = Shelf({"answer": lost})

    assert written(shelf, b"1").commit(replaces=None) == Version("1")


def test_an_object_that_is_ours_and_known_to_be_spoilt_is_none() -> None:
    shelf = Shelf({"answer": Spoilt("something else than was sent")})

    with pytest.raises(Spoilt, match="something else"):
        written(shelf, b"1").commit(replaces=None)

    assert shelf.calls == ["publish", "answer", "abandon"]


def test_an_object_that_is_not_ours_is_the_failure_it_was() -> None:
    shelf = Shelf({"publish": Conflict("somebody was faster")})

    with pytest.raises(Conflict, match="somebody was faster"):
        written(shelf, b"1").commit(replaces=None)


def test_where_nobody_may_look_the_failure_stays_what_it_was() -> None:
    shelf = Shelf({"answer": Conflict("somebody was faster"), "published": PermanentFailure("not allowed")})

    with pytest.raises(Conflict, match="somebody was faster"):
        written(shelf, b"1").commit(replaces=None)


def test_a_failure_that_is_no_lost_answer_is_not_looked_after() -> None:
    shelf = Shelf({"publish": PermanentFailure("no such bucket")})

    with pytest.raises(PermanentFailure):
        written(shelf, b"1").commit(replaces=None)

    assert shelf.calls == ["publish", "abandon"]


def test_what_was_sent_is_abandoned_once() -> None:
    shelf = Shelf()
    upload = written(shelf, b"1")

    upload.abort()
    upload.abort()

    assert shelf.calls == ["abandon"]


def test_every_upload_has_a_name_of_its_own() -> None:
    metadata = {"rows": "1"}

    assert named(metadata)[UPLOAD_ID] != named(metadata)[UPLOAD_ID]
    assert unnamed(named(metadata)) == metadata
