"""Arrow columns made to be what is declared, or refused."""

from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from export_pipeline.errors import PermanentFailure
from export_pipeline.extract.fitting import fitted
from export_pipeline.extract.schema import arrow_schema
from export_pipeline_tests.builders import a_column

FOREVER = 2**63 - 1


def fit(type_: str, column: Any) -> list[Any]:
    return fitted([column], arrow_schema([a_column("it", type_)]), "events").column(0).to_pylist()


@pytest.mark.parametrize(
    ("type_", "column", "expected"),
    [
        ("string", pa.array(["a", None, "a"]).dictionary_encode(), ["a", None, "a"]),
        ("int64", pa.array([1, None], pa.int8()), [1, None]),
        ("decimal(3,1)", pa.array([12], pa.int64()), [Decimal("12.0")]),
        ("decimal(38,20)", pa.array([12], pa.int64()), [Decimal("12.00000000000000000000")]),
        ("decimal(38,18)", pa.array([Decimal("-7.50"), None]), [Decimal("-7.500000000000000000"), None]),
        ("decimal(3,1)", pa.array([Decimal("12.000")]), [Decimal("12.0")]),
        ("float32", pa.array([0.1, 0.5, None]), [pa.scalar(0.1, pa.float32()).as_py(), 0.5, None]),
        ("uuid", pa.array(["0123456789ABCDEF0123456789abcdef"]), ["01234567-89ab-cdef-0123-456789abcdef"]),
    ],
)
def test_the_same_values_in_another_shape_fit(type_: str, column: Any, expected: list[Any]) -> None:
    assert fit(type_, column) == expected


@pytest.mark.parametrize(
    ("type_", "column"),
    [
        ("int16", pa.array([2**15])),
        ("int64", pa.array(["1"])),
        ("decimal(2,1)", pa.array([12])),
        # In 128 bits these are other numbers, with no more digits than declared.
        ("decimal(38,10)", pa.array([Decimal("12345678901234567890123456789012345678")])),
        ("decimal(38,18)", pa.array([Decimal("14000000000000000000000")], pa.decimal128(38, 0))),
        ("decimal(3,1)", pa.array([Decimal("1.25")])),
        ("float32", pa.array([1 / 3])),
        ("float32", pa.array([1e300])),
        ("uuid", pa.array(["somebody"])),
        ("timestamp", pa.array([FOREVER], pa.timestamp("us", "UTC"))),
        ("timestamp_local", pa.array([0], pa.timestamp("us", "UTC"))),
        ("timestamp_local", pa.array([1], pa.timestamp("ns"))),
        ("date", pa.array([2**31 - 1], pa.date32())),
        ("time", pa.array([86_400_000_000], pa.int64()).view(pa.time64("us"))),
    ],
)
def test_values_that_would_change_are_refused(type_: str, column: Any) -> None:
    with pytest.raises(PermanentFailure, match=r"events\.it is declared"):
        fit(type_, column)
