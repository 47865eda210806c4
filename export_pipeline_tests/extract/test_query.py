"""The SELECT of an hour, as SQL. What it selects is tested on engines in `test_every_reader`."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from export_pipeline.errors import PermanentFailure
from export_pipeline.extract.query import (
    columns_of,
    count_of,
    relation_of,
    rows_between,
    rows_of_hour,
    source_of,
    time_column_of,
)
from export_pipeline.filters.collation import by_code_point
from export_pipeline.filters.tree import EVERY_ROW, Comparison
from export_pipeline_tests.builders import a_column, a_table, an_hour

FLIGHTS = a_table(relation="public.flights")
ROWS = rows_of_hour(FLIGHTS, FLIGHTS.columns[:1], an_hour(), EVERY_ROW, None)


def test_the_bounds_are_bound_and_not_spliced() -> None:
    assert "2013" not in str(ROWS)
    assert set(ROWS.compile().params.values()) == {an_hour().since, an_hour().until}


def test_a_range_of_many_hours_is_selected_like_one() -> None:
    hour = an_hour()
    later = hour.until + timedelta(hours=5)
    rows = rows_between(FLIGHTS, FLIGHTS.columns[:1], hour.since, later, EVERY_ROW, None)
    assert str(rows) == str(ROWS)
    assert set(rows.compile().params.values()) == {hour.since, later}


def test_a_count_needs_no_order() -> None:
    assert "ORDER BY" in str(ROWS)
    assert "ORDER BY" not in str(count_of(ROWS))


def test_the_relation_is_named_with_its_schema() -> None:
    assert relation_of(ROWS) == "public.flights"


def test_the_column_that_says_the_hour_is_known_without_being_selected() -> None:
    assert time_column_of(ROWS) == "time_hour"


def test_all_columns_that_are_read_are_known_not_only_those_selected() -> None:
    filter_ = Comparison("fare", ">", 100)
    rows = rows_of_hour(FLIGHTS, FLIGHTS.columns[3:4], an_hour(), filter_, None)
    assert set(columns_of(rows)) == {"origin", "time_hour", "fare", "id"}
    assert source_of(rows).schema == "public"


def test_a_tenant_is_refused_where_there_is_no_tenant_column() -> None:
    with pytest.raises(PermanentFailure, match="tenant column"):
        rows_of_hour(FLIGHTS, FLIGHTS.columns, an_hour(), EVERY_ROW, "acme")


def test_tenants_are_told_apart_by_code_point_whatever_the_collation_of_their_column() -> None:
    shared = a_table(columns=(*FLIGHTS.columns[:2], a_column("owner")), tenant_column="owner")
    rows = rows_of_hour(shared, shared.columns, an_hour(), EVERY_ROW, "acme")
    assert rows.whereclause is not None
    compared = [part for part in sa.sql.visitors.iterate(rows.whereclause) if isinstance(part, by_code_point)]
    assert [str(column) for part in compared for column in part.clauses] == ["flights.owner"]
