"""Durations in ISO 8601, in the one form that PostgreSQL writes."""

import re
from collections.abc import Iterator

import duckdb
import psycopg
import pyarrow as pa
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from export_pipeline.extract.durations import DURATION, iso_duration, iso_durations

SECOND = 10**6
HOUR = 3600 * SECOND


@pytest.mark.parametrize(
    ("months", "days", "microseconds", "text"),
    [
        (0, 0, 0, "PT0S"),
        (14, -3, 4 * HOUR + SECOND // 2, "P1Y2M-3DT4H0.5S"),
        (-14, 0, 0, "P-1Y-2M"),
        (0, 0, -HOUR - 60 * SECOND, "PT-1H-1M"),
        (0, 0, -1, "PT-0.000001S"),
        (0, 40, 30 * HOUR, "P40DT30H"),
    ],
)
def test_months_days_and_time_are_kept_apart(months: int, days: int, microseconds: int, text: str) -> None:
    assert iso_duration(months, days, microseconds) == text


def test_a_column_has_its_nulls() -> None:
    assert iso_durations(pa.array(["1 month 2 days", None])).to_pylist() == ["P1M2D", None]


@given(
    months=st.integers(-(2**31) + 1, 2**31 - 1),
    days=st.integers(-(2**31) + 1, 2**31 - 1),
    microseconds=st.integers(-(2**63) + 1, 2**63 - 1),
)
@settings(deadline=None)
def test_what_duckdb_writes_is_read_whatever_it_holds(months: int, days: int, microseconds: int) -> None:
    ((written,),) = duckdb.execute(
        "select (to_months(?) + to_days(?) + to_microseconds(?))::text", [months, days, microseconds]
    ).fetchall()
    assert iso_durations(pa.array([written])).to_pylist() == [iso_duration(months, days, microseconds)]


@pytest.fixture(scope="module")
def cursor(postgres_url: str) -> Iterator[psycopg.Cursor]:
    plain = sa.make_url(postgres_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, options="-c intervalstyle=iso_8601") as connection:
        yield connection.cursor()


@given(
    months=st.integers(-5_000, 5_000),
    days=st.integers(-50_000, 50_000),
    microseconds=st.integers(-(10**13), 10**13),
)
@settings(deadline=None)
def test_the_text_is_the_one_that_postgresql_writes(
    cursor: psycopg.Cursor, months: int, days: int, microseconds: int
) -> None:
    cursor.execute(
        "select (make_interval(months => %s, days => %s) + %s * interval '1 microsecond')::text",
        (months, days, microseconds),
    )
    found = cursor.fetchone()
    assert found is not None
    assert found[0] == iso_duration(months, days, microseconds)
    assert re.fullmatch(DURATION, found[0])
