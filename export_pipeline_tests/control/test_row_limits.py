"""Nobody asks for more rows than a connector takes."""

import pytest

from export_pipeline.control.row_limits import check_row_limit
from export_pipeline.errors import InvalidRequest
from export_pipeline_tests.builders import a_definition


@pytest.mark.parametrize(("asked", "most"), [(None, 10), (10, 10), (11, None), (None, None)])
def test_as_many_as_it_takes_may_be_asked_for(asked: int | None, most: int | None) -> None:
    check_row_limit(a_definition(layout="single", row_limit=asked), most)


def test_more_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="at most 1,000,000 rows") as refused:
        check_row_limit(a_definition(layout="single", row_limit=1_000_001), 1_000_000)

    assert refused.value.field == "row_limit"
