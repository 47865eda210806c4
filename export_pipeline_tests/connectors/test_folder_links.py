"""Links in a folder lead nobody out of it, and no list around in a circle."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from export_pipeline.connectors.destination import Destination
from export_pipeline.connectors.folder import OURS
from export_pipeline.connectors.folder_links import leads_out, names_in, unlinked
from export_pipeline.connectors.mounted_folder import MountedFolderConfig
from export_pipeline.errors import PermanentFailure
from export_pipeline_tests.connectors.objects import keys, put, read

USES: list[Callable[[Destination, str], Any]] = [
    lambda there, key: put(there, key, b"1"),
    lambda there, key: read(there, key),
    lambda there, key: there.head(key),
    lambda there, key: there.delete(key),
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "mount").mkdir()
    return tmp_path / "mount"


@pytest.fixture
def folder(root: Path) -> Destination:
    there = MountedFolderConfig(path=root).open()
    put(there, "kept/a.csv", b"1")
    return there


@pytest.fixture
def outside(tmp_path: Path, root: Path) -> Path:
    """A folder besides, to which links lead: to it, to what is in it, to what is not."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.key").write_text("secret")
    (root / "out").symlink_to(outside)
    (root / "above").symlink_to("..")
    (root / "file").symlink_to(outside / "secret.key")
    (root / "new").symlink_to(outside / "new.csv")
    return outside


@pytest.mark.parametrize("use", USES, ids=["put", "get", "head", "delete"])
@pytest.mark.parametrize(
    "key", ["out/secret.key", "out/deep/x.csv", "above/outside/secret.key", "file", "new", "ours/locks/x"]
)
def test_nothing_outside_is_touched(
    folder: Destination, root: Path, outside: Path, use: Callable[[Destination, str], Any], key: str
) -> None:
    (root / "ours").symlink_to(root / OURS)

    with pytest.raises(PermanentFailure, match=r"leads out of the folder.* remove the link"):
        use(folder, key)

    assert [path.name for path in outside.iterdir()] == ["secret.key"]
    assert (outside / "secret.key").read_text() == "secret"


@pytest.mark.usefixtures("outside")
@pytest.mark.parametrize("prefix", ["", "out/", "o", "above/", "new"])
def test_nothing_outside_is_listed(folder: Destination, prefix: str) -> None:
    assert keys(folder, prefix) == (["kept/a.csv"] if prefix == "" else [])


def test_links_inside_are_followed(folder: Destination, root: Path) -> None:
    (root / "also").symlink_to(root / "kept")

    put(folder, "also/b.csv", b"2")

    assert read(folder, "kept/b.csv") == b"2"
    assert keys(folder) == ["also/a.csv", "also/b.csv", "kept/a.csv", "kept/b.csv"]


def test_a_folder_may_be_a_link_itself(tmp_path: Path, root: Path) -> None:
    (tmp_path / "link").symlink_to(root)
    there = MountedFolderConfig(path=tmp_path / "link").open()

    put(there, "a.csv", b"1")

    assert keys(there) == ["a.csv"]


def test_links_in_a_circle_end_no_list_and_are_named(folder: Destination, root: Path) -> None:
    (root / "loop").symlink_to(root / "loop")
    (root / "self").symlink_to(root)
    (root / "kept" / "up").symlink_to(root / "other")
    (root / "other").mkdir()
    (root / "other" / "down").symlink_to(root / "kept")

    assert keys(folder) == ["kept/a.csv", "other/down/a.csv"]
    for use in USES:
        with pytest.raises(PermanentFailure, match="in a circle; remove it"):
            use(folder, "loop/a.csv")


def test_where_links_lead(tmp_path: Path, root: Path) -> None:
    (root / "out").symlink_to(tmp_path)
    (root / "ours").mkdir()

    assert leads_out(root / "out" / "x", root, but="ours")
    assert leads_out(root / "ours" / "x", root, but="ours")
    assert not leads_out(root / "x", root, but="ours")
    assert unlinked(root / "x", root, but="ours") == root / "x"
    assert names_in(root, root, but="nothing", within=()) == ["ours/"]
    assert names_in(root / "nothing", root, but="nothing", within=()) == []
