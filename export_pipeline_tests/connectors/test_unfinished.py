"""Notes of uploads: found when their writer is dead, and not before."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from export_pipeline.connectors.unfinished import Unfinished, keep_in, left_behind, noted

UPLOAD = Unfinished(place="https://store s3://sales", key="exports/a.csv", upload_id="7f3a")

# Notes an upload and waits to be killed.
DYING = """
import sys
from pathlib import Path
from export_pipeline.connectors.unfinished import Unfinished, keep_in, noted
keep_in(Path(sys.argv[1]))
held = noted(Unfinished(place="https://store s3://sales", key="exports/a.csv", upload_id="7f3a"))
print("noted", flush=True)
sys.stdin.read()
"""

# Notes uploads where no byte can be written.
FULL = """
import os, resource, sys
from pathlib import Path
from export_pipeline.connectors.unfinished import Unfinished, keep_in, noted
keep_in(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
before = os.listdir("/dev/fd")
for _ in range(3):
    assert noted(Unfinished(place="https://store s3://sales", key="exports/a.csv", upload_id="7f3a")) is None
assert os.listdir("/dev/fd") == before, "files are left open"
"""


@pytest.fixture
def notes(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "unfinished"
    keep_in(folder)
    yield folder
    keep_in(None)


def found(place: str = UPLOAD.place) -> list[Unfinished]:
    return [upload for upload, _ in left_behind(place)]


def test_an_upload_that_goes_on_is_nobody_elses(notes: Path) -> None:
    note = noted(UPLOAD)
    assert note is not None

    assert found() == []

    note.forget()
    assert list(notes.iterdir()) == []


def test_what_is_left_is_found_until_it_is_forgotten(notes: Path) -> None:
    note = noted(UPLOAD)
    assert note is not None
    note.leave()

    assert found() == [UPLOAD]
    assert found() == [UPLOAD]
    for _, left in left_behind(UPLOAD.place):
        assert found() == []  # it is held by who is at it
        left.forget()

    assert found() == []
    assert list(notes.iterdir()) == []


def test_another_places_uploads_are_left_alone(notes: Path) -> None:
    note = noted(UPLOAD)
    assert note is not None
    note.leave()

    assert found("https://store s3://sales/other") == []

    assert len(list(notes.iterdir())) == 1


def test_a_killed_processs_upload_is_found_when_it_is_dead(notes: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", DYING, str(notes)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "noted\n"
        alive = found()
        process.send_signal(signal.SIGKILL)
        process.wait(60)

    assert alive == []
    assert found() == [UPLOAD]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'{"place": "https://st',
        b"\xff\xfe",
        b"[]",
        b'"text"',
        b'{"place": "x", "key": "a"}',
        b'{"place": "x", "key": "a", "upload_id": "1", "since": "yesterday"}',
        b'{"place": "https://store s3://sales", "key": 1, "upload_id": "1"}',
    ],
)
def test_a_note_that_says_nothing_is_left_and_the_others_are_found(
    notes: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    note = noted(UPLOAD)
    assert note is not None
    note.leave()
    bad = notes / "000.json"  # before the others
    bad.write_bytes(content)

    assert found() == [UPLOAD]

    assert bad.read_bytes() == content
    assert "000.json" in caplog.text


def test_a_note_that_cannot_be_opened_is_left_and_the_others_are_found(
    notes: Path, caplog: pytest.LogCaptureFixture
) -> None:
    note = noted(UPLOAD)
    assert note is not None
    note.leave()
    (notes / "000.json").mkdir()

    assert found() == [UPLOAD]

    assert "000.json" in caplog.text


def test_a_note_holds_no_more_than_the_uploads_names(notes: Path) -> None:
    note = noted(UPLOAD)
    assert note is not None

    (path,) = notes.glob("*.json")
    assert json.loads(path.read_text()) == {
        "place": UPLOAD.place,
        "key": UPLOAD.key,
        "upload_id": UPLOAD.upload_id,
    }
    note.forget()


def test_an_upload_goes_on_where_nothing_can_be_noted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    keep_in(tmp_path / "file")
    try:
        assert noted(UPLOAD) is None
        assert "cannot note" in caplog.text
        assert found() == []
    finally:
        keep_in(None)


def test_a_note_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    tried = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=False
    )

    assert tried.returncode == 0, tried.stderr
    assert tried.stderr.count("cannot note") == 3
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_noted_where_nobody_said_where() -> None:
    keep_in(None)

    assert noted(UPLOAD) is None
    assert found() == []
