"""A disk as a way out: that it is mounted, and that it is not where we keep our own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from export_pipeline.connectors.mounted_folder import MountedFolderConfig
from export_pipeline.connectors.own_folders import keep_out_of
from export_pipeline.errors import TransientFailure
from export_pipeline_tests.connectors.objects import keys, put, read


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """A disk that is mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    (folder / "mounted.txt").touch()
    return folder


@pytest.fixture
def our_home(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "home"
    keep_out_of([folder])
    yield folder
    keep_out_of([])


def test_files_go_where_the_marker_is_and_it_is_none_of_them(disk: Path) -> None:
    destination = MountedFolderConfig(path=disk, marker="mounted.txt").open()

    put(destination, "a/b.csv", b"1")

    assert (disk / "a/b.csv").read_bytes() == b"1"
    assert keys(destination) == ["a/b.csv"]


def test_a_disk_that_goes_away_gets_nothing_on_the_folder_below_it(disk: Path, tmp_path: Path) -> None:
    destination = MountedFolderConfig(path=disk, marker="mounted.txt").open()
    put(destination, "a.csv", b"1")
    upload = destination.begin("b.csv", {})
    upload.write(b"2")
    disk.rename(tmp_path / "unplugged")
    disk.mkdir()  # as it lies below a mount

    with pytest.raises(TransientFailure):
        upload.commit(replaces=None)
    with pytest.raises(TransientFailure, match=r"mounted\.txt .*is the disk mounted"):
        put(destination, "c.csv", b"3")
    with pytest.raises(TransientFailure, match="is the disk mounted"):
        destination.head("a.csv")
    with pytest.raises(TransientFailure, match="is the disk mounted"):
        read(destination, "a.csv")
    with pytest.raises(TransientFailure, match="is the disk mounted"):
        keys(destination)
    with pytest.raises(TransientFailure, match="is the disk mounted"):
        destination.delete("a.csv")
    assert list(disk.iterdir()) == []


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(TransientFailure, match="make the folder if it is"):
        put(MountedFolderConfig(path=tmp_path / "typo").open(), "a.csv", b"1")

    assert not (tmp_path / "typo").exists()


@pytest.mark.parametrize("where", [".", "staging/x", ".."])
def test_a_folder_that_touches_our_own_is_refused(our_home: Path, where: str) -> None:
    with pytest.raises(ValidationError, match="keeps its own files; choose another") as caught:
        MountedFolderConfig(path=our_home / where)

    assert caught.value.errors()[0]["loc"] == ("path",)


@pytest.mark.parametrize("marker", ["", "a/b", "..", ".", "../x", "a\nb"])
def test_a_marker_lies_in_the_folder_itself(tmp_path: Path, marker: str) -> None:
    with pytest.raises(ValidationError, match="marker"):
        MountedFolderConfig(path=tmp_path, marker=marker)


def test_it_is_for_operators(tmp_path: Path) -> None:
    assert "for operators" in MountedFolderConfig(path=tmp_path).operators_only
