"""The document's queries are rows of a table in a range of days."""

from datetime import UTC, datetime
from typing import Any

import pytest

from export_pipeline.api.botify.querying import Query, wanted_by
from export_pipeline.errors import InvalidRequest
from export_pipeline_tests.builders import a_dataset

AT = "payload.query"
PERIODS = [["2013-01-01", "2013-01-31"]]


def a_query(**changes: Any) -> Query:
    """Of two columns of the flights of January."""
    inner = {"dimensions": ["flights.carrier", "flights.id"], **changes.pop("query", {})}
    asked = {"collections": ["flights"], "periods": PERIODS, "query": inner, **changes}
    return Query.model_validate(asked)


def test_a_collection_is_a_table_and_its_dimensions_are_columns() -> None:
    filters = {"field": "flights.carrier", "predicate": "eq", "value": "UA"}

    wanted = wanted_by(a_query(query={"filters": filters}), a_dataset())

    assert (wanted.table.name, wanted.collection) == ("flights", "flights")
    assert list(wanted.columns) == ["carrier", "id"]
    assert wanted.filter == "carrier == 'UA'"


def test_a_period_has_its_last_day() -> None:
    wanted = wanted_by(a_query(), a_dataset())

    assert (wanted.since, wanted.until) == (
        datetime(2013, 1, 1, tzinfo=UTC),
        datetime(2013, 2, 1, tzinfo=UTC),
    )


def test_a_collection_of_a_day_is_that_day() -> None:
    query = a_query(
        collections=["flights.20130105"], periods=[], query={"dimensions": ["flights.20130105.id"]}
    )

    wanted = wanted_by(query, a_dataset())

    assert (wanted.table.name, wanted.collection) == ("flights", "flights.20130105")
    assert (wanted.since, wanted.until) == (
        datetime(2013, 1, 5, tzinfo=UTC),
        datetime(2013, 1, 6, tzinfo=UTC),
    )
    assert list(wanted.columns) == ["id"]


@pytest.mark.parametrize("name", ["id", "ID", "flights.id", "flights.ID"])
def test_a_field_is_found_with_its_collection_or_without(name: str) -> None:
    wanted = wanted_by(
        a_query(query={"dimensions": [name], "filters": {"field": name, "value": 1}}), a_dataset()
    )

    assert (list(wanted.columns), wanted.filter) == (["id"], "id == 1")


def test_nothing_named_is_all_of_it() -> None:
    wanted = wanted_by(a_query(query={"dimensions": [], "filters": {}}), a_dataset())

    assert (list(wanted.columns), wanted.filter) == ([], "")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"collections": []}, ".collections"),
        ({"collections": ["flights", "weather"]}, ".collections"),
        ({"collections": ["fligths"]}, ".collections.0"),
        ({"collections": ["flights.20130230"], "periods": []}, ".collections.0"),
        ({"collections": ["flights.20130105"]}, ".periods"),
        ({"periods": []}, ".periods"),
        ({"periods": PERIODS * 2}, ".periods"),
        ({"periods": [["2013-01-31", "2013-01-01"]]}, ".periods.0"),
        ({"periods": [["2013-01-01T05:00:00Z", "2013-01-31"]]}, ".periods.0.0"),
        ({"periods": [["2013-01-01", "2013-02-30"]]}, ".periods.0.1"),
        ({"periods": [["2013-01-01", "9999-12-31"]]}, ".periods.0.1"),
        ({"query": {"dimensions": ["flights.id", "flights.nothing"]}}, ".query.dimensions.1"),
        ({"query": {"metrics": ["flights.count"]}}, ".query.metrics"),
        ({"query": {"sort": [{"type": "metrics", "index": 0}]}}, ".query.sort"),
        ({"query": {"filters": {"field": "flights.nothing", "value": 1}}}, ".query.filters.field"),
    ],
)
def test_what_cannot_be_had_is_named(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        wanted_by(a_query(**changes), a_dataset())

    assert refused.value.field == AT + field
