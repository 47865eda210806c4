from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal

import pytest

from export_pipeline.dataset.types import ColumnType
from export_pipeline.filters.literals import Unfit, value_of, written
from export_pipeline.filters.tree import Value

PARIS = timezone(timedelta(hours=1))


@pytest.mark.parametrize(
    ("type_", "literal", "value"),
    [
        ("boolean", True, True),
        ("int16", -32768, -32768),
        ("int32", Decimal("2147483647.00"), 2147483647),
        ("int64", Decimal("1e3"), 1000),
        ("uint64", 2**64 - 1, 2**64 - 1),
        ("float64", Decimal("0.1"), 0.1),
        ("float64", 2**53 + 1, float(2**53)),
        ("float32", Decimal("0.1"), 0.10000000149011612),
        ("decimal(5,2)", Decimal("-999.990"), Decimal("-999.99")),
        ("decimal(5,2)", 0, Decimal(0)),
        ("decimal(5,5)", Decimal("0.12345"), Decimal("0.12345")),
        ("decimal(38,0)", 10**38 - 1, Decimal(10**38 - 1)),
        ("string", "Paris", "Paris"),
        ("json", "Paris", "Paris"),
        ("uuid", "{ABCDEF00-0000-0000-0000-000000000000}", "abcdef00-0000-0000-0000-000000000000"),
        ("date", "2013-01-31", date(2013, 1, 31)),
        ("time", "05:00", time(5)),
        ("time", "05:00:00.000001", time(5, 0, 0, 1)),
        ("timestamp", "2013-01-31T05:00:00Z", datetime(2013, 1, 31, 5, tzinfo=UTC)),
        ("timestamp", "2013-01-31T05:00:00+01:00", datetime(2013, 1, 31, 4, tzinfo=UTC)),
        ("timestamp", datetime(2013, 1, 31, 5, tzinfo=PARIS), datetime(2013, 1, 31, 4, tzinfo=UTC)),
        ("timestamp_local", "2013-01-31T05:00:00", datetime(2013, 1, 31, 5)),  # noqa: DTZ001
        ("timestamp_local", "2013-01-31", datetime(2013, 1, 31)),  # noqa: DTZ001
    ],
)
def test_a_literal_becomes_a_value_of_the_columns_type(type_: str, literal: Value, value: Value) -> None:
    read = value_of(literal, ColumnType.parse(type_))
    assert (read, type(read)) == (value, type(value))
    assert value_of(read, ColumnType.parse(type_)) == read


@pytest.mark.parametrize(
    ("type_", "literal", "cure"),
    [
        ("boolean", 1, "write true or false, without quotes"),
        ("boolean", "true", "write true or false, without quotes"),
        ("int16", 32768, "it lies between -32768 and 32767"),
        ("int16", -32769, "it lies between -32768 and 32767"),
        ("int32", 2**31, "it lies between -2147483648 and 2147483647"),
        ("int64", 2**63, "it lies between -9223372036854775808 and 9223372036854775807"),
        ("uint64", -1, "it lies between 0 and 18446744073709551615"),
        ("int32", Decimal("2.5"), "write a whole number"),
        ("int32", "5", "write a number, without quotes"),
        ("int32", True, "write a number"),
        ("float64", Decimal("1e309"), "a 64-bit float cannot hold it"),
        ("float32", Decimal("1e39"), "a 32-bit float cannot hold it"),
        ("float64", float("nan"), "no column holds such a number"),
        ("int64", Decimal("1e999999999"), "no column holds such a number"),
        ("decimal(5,2)", Decimal("0.001"), "it has up to 3 digits before the point and 2 after it"),
        ("decimal(5,2)", 1000, "it has up to 3 digits before the point and 2 after it"),
        ("decimal(5,5)", 1, "it has up to 0 digits before the point and 5 after it"),
        ("string", 5, "write text, in quotes"),
        ("uuid", "abc", "write it like '01234567-89ab-cdef-0123-456789abcdef'"),
        ("date", "2013-02-30", "write it like '2013-01-31'"),
        ("date", "2013-01-31T05:00:00Z", "write it like '2013-01-31'"),
        ("date", 20130131, "write it like '2013-01-31'"),
        ("time", "05:00:00Z", "write it like '05:00:00', without a zone"),
        ("time", "5 o'clock", "write it like '05:00:00', without a zone"),
        ("timestamp", "2013-01-31T05:00:00", "write it like '2013-01-31T05:00:00Z', with its zone"),
        ("timestamp", "2013-01-31", "write it like '2013-01-31T05:00:00Z', with its zone"),
        (
            "timestamp",
            "0001-01-01T00:00:00+01:00",
            "in UTC it lies outside of the years 1 to 9999; correct it",
        ),
        (
            "timestamp",
            "9999-12-31T23:59:59-05:00",
            "in UTC it lies outside of the years 1 to 9999; correct it",
        ),
        ("timestamp", "noon", "write it like '2013-01-31T05:00:00Z', with its zone"),
        ("timestamp", 5, "write text, in quotes"),
        (
            "timestamp",
            "2013-01-31T05:00:00.0000001Z",
            "times are exact to the microsecond: six digits after the point at most",
        ),
        (
            "timestamp_local",
            "2013-01-31T05:00:00Z",
            "write it like '2013-01-31T05:00:00', without a zone: the column holds a wall clock's readings",
        ),
        (
            "timestamp_local",
            "noon",
            "write it like '2013-01-31T05:00:00', without a zone: the column holds a wall clock's readings",
        ),
    ],
)
def test_a_literal_that_is_no_value_of_the_type_is_refused(type_: str, literal: Value, cure: str) -> None:
    with pytest.raises(Unfit) as refused:
        value_of(literal, ColumnType.parse(type_))
    assert str(refused.value) == cure


def test_a_long_literal_is_shortened_in_messages() -> None:
    assert written("x" * 100) == "'" + "x" * 36 + "..."
    assert written(5) == "5"
