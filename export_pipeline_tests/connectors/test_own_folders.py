"""Which folders are ours, wherever links lead."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from export_pipeline.connectors.own_folders import is_ours, keep_out_of


@pytest.fixture(autouse=True)
def ours(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "srv" / "home"
    keep_out_of([folder])
    yield folder
    keep_out_of([])


def test_a_folder_within_ours_or_around_it_is_ours(ours: Path) -> None:
    assert is_ours(ours)
    assert is_ours(ours / "staging" / "a")
    assert is_ours(ours.parent)
    assert is_ours(Path("/"))


def test_a_folder_beside_ours_is_not(ours: Path) -> None:
    assert not is_ours(ours.parent / "home2")
    assert not is_ours(ours.parent / "exports")


def test_a_link_into_ours_is_ours(ours: Path, tmp_path: Path) -> None:
    (ours / "staging").mkdir(parents=True)
    (tmp_path / "link").symlink_to(ours / "staging")

    assert is_ours(tmp_path / "link")
    assert is_ours(tmp_path / "link" / "deeper")
    assert is_ours(ours.parent / "other" / ".." / "home")


def test_what_is_said_last_holds(ours: Path, tmp_path: Path) -> None:
    keep_out_of([tmp_path / "elsewhere"])

    assert not is_ours(ours)
    assert is_ours(tmp_path / "elsewhere")
