"""What errors of the operating system become."""

import errno

import pytest

from export_pipeline.connectors.folder_errors import overtaken, translated
from export_pipeline.errors import Conflict, PermanentFailure, TransientFailure


def test_a_full_disk_is_worth_another_try() -> None:
    with pytest.raises(TransientFailure, match=r"a\.csv.*No space left"), translated("a.csv"):
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    "code", [errno.EACCES, errno.EOPNOTSUPP, errno.EROFS, errno.ENAMETOOLONG, errno.ENOTDIR, errno.ELOOP]
)
def test_what_waiting_does_not_change_names_the_cure(code: int) -> None:
    with (
        pytest.raises(PermanentFailure, match=r"a\.csv.*(change|choose|shorten|remove)"),
        translated("a.csv"),
    ):
        raise OSError(code, "no")


def test_who_was_overtaken_may_try_again() -> None:
    assert isinstance(overtaken("a.csv"), Conflict)
    assert "'a.csv' was written or deleted by somebody else" in str(overtaken("a.csv"))


def test_the_cause_is_kept() -> None:
    cause = OSError(errno.EIO, "broken disk")

    with pytest.raises(TransientFailure) as caught, translated("a.csv"):
        raise cause

    assert caught.value.__cause__ is cause


def test_a_bug_is_not_dressed_up() -> None:
    with pytest.raises(ZeroDivisionError), translated("a.csv"):
        raise ZeroDivisionError
