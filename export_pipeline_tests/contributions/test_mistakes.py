"""Everything that is wrong is told at once."""

import pytest

from export_pipeline.contributions.mistakes import Mistake, Rejected, reject

NAME = Mistake(name="name", reason='requires property "name"')
AREA = Mistake(name="records.entity.area", reason="is not of a type(s) integer", index=3)


def test_nothing_wrong_is_not_rejected() -> None:
    reject([])


def test_all_that_is_wrong_is_told() -> None:
    with pytest.raises(Rejected) as refused:
        reject(iter([NAME, AREA]))

    assert refused.value.mistakes == (NAME, AREA)
    assert str(refused.value) == (
        'name: requires property "name"; records.entity.area (3): is not of a type(s) integer'
    )
