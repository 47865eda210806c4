"""The file of keys: changed by one at a time, whole, and never open to others."""

import os
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from export_pipeline.errors import ExportPipelineError, InUse
from export_pipeline.store.key_file import changing, keys_in, made_if_missing, read_keys


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "secret.key"
    made_if_missing(path)
    return path


@pytest.mark.parametrize("text", ["a,b", "a, b", "a\nb", "a\n\nb\n", " a ,b\nb,a"])
def test_keys_are_separated_by_commas_or_lines_and_each_counts_once(text: str) -> None:
    assert keys_in(text) == ["a", "b"]


def test_a_new_key_comes_in_front_and_the_file_stays_ours_alone(key_file: Path) -> None:
    old = key_file.read_text()

    with changing(key_file) as file:
        file.add_in_front()

    new, *others = key_file.read_text().split("\n")
    assert (others, Fernet(new) is not None) == ([old], True)
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert (key_file.stat().st_uid, key_file.stat().st_gid) == (os.getuid(), os.getgid())


def test_lines_are_dropped_by_their_number(key_file: Path) -> None:
    with changing(key_file) as file:
        file.add_in_front()
        file.add_in_front()
        first, _, third = read_keys(key_file).split()
        file.keep([0, 2])

    assert read_keys(key_file).split() == [first, third]


def test_only_one_changes_it_and_the_other_is_told(key_file: Path) -> None:
    with changing(key_file), pytest.raises(InUse, match="try again when it has ended"), changing(key_file):
        pass

    with changing(key_file) as file:
        file.add_in_front()


def test_what_was_left_by_one_that_was_killed_is_written_over(key_file: Path) -> None:
    draft = key_file.with_name("secret.key.draft")
    draft.write_text("half a k")
    draft.chmod(0o644)

    with changing(key_file) as file:
        file.add_in_front()

    assert not draft.exists()
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert len(read_keys(key_file).split()) == 2


def test_a_link_to_the_file_stays_one(key_file: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(key_file)

    with changing(link) as file:
        file.add_in_front()

    assert link.is_symlink()
    assert len(read_keys(key_file).split()) == 2


def test_a_file_that_is_gone_is_missed_and_not_made_anew(key_file: Path) -> None:
    key_file.unlink()

    with pytest.raises(ExportPipelineError, match=r"is gone, and with it the key.*put it back"):
        read_keys(key_file)


def test_a_file_that_is_there_is_left_as_it_is(key_file: Path) -> None:
    before = key_file.read_text()

    made_if_missing(key_file)

    assert key_file.read_text() == before
