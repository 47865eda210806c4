"""Python values as Arrow: what is taken, what is refused."""

from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any

import pytest

from export_pipeline.errors import PermanentFailure
from export_pipeline.extract.schema import arrow_schema
from export_pipeline.extract.values import array_of
from export_pipeline_tests.builders import a_column


def taken(type_: str, value: Any) -> Any:
    field = arrow_schema([a_column("it", type_)]).field(0)
    return array_of([value, None], field, "events").to_pylist()[0]


@pytest.mark.parametrize(
    ("type_", "value", "expected"),
    [
        ("boolean", 1, True),
        ("uint64", Decimal(2**64 - 1), 2**64 - 1),
        ("uint64", "7", 7),
        ("decimal(12,2)", 12.25, Decimal("12.25")),
        ("decimal(12,2)", "3.1", Decimal("3.10")),
        ("time", "05:00:00.5", time(5, 0, 0, 500_000)),
        ("timestamp", "2013-01-01T05:00:00.5Z", datetime(2013, 1, 1, 5, 0, 0, 500_000, tzinfo=UTC)),
        ("timestamp", "2013-01-01 05:00:00+00", datetime(2013, 1, 1, 5, tzinfo=UTC)),
    ],
)
def test_another_form_of_the_same_value_is_taken(type_: str, value: Any, expected: Any) -> None:
    assert taken(type_, value) == expected


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("boolean", 2),
        ("int16", 2**15),
        ("int64", True),
        ("int64", 1.0),
        ("uint64", -1),
        ("uint64", "1e999999999"),
        ("float64", 2**53 + 1),
        ("decimal(12,2)", Decimal("NaN")),
        ("decimal(12,2)", 0.1 + 0.2),
        ("decimal(12,2)", Decimal("0.001")),
        ("string", b"bytes"),
        ("string", "not UTF-8: \udcff"),
        ("bytes", "text"),
        ("date", datetime(2013, 1, 1, tzinfo=UTC)),
        ("date", "2013-02-30"),
        ("time", "24:00:00"),
        ("timestamp", "infinity"),
        ("timestamp", "2013-01-01 05:00:00+02:00"),
        ("timestamp", "2013-01-01 05:00"),
        ("timestamp", 1356998400),
        ("timestamp_local", datetime(2013, 1, 1, tzinfo=UTC)),
        ("timestamp_local", "2013-01-01 05:00:00Z"),
    ],
)
def test_a_value_that_would_change_is_refused(type_: str, value: Any) -> None:
    with pytest.raises(PermanentFailure, match=r"events\.it is declared"):
        taken(type_, value)
