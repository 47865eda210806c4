"""Entity types as tables, read by the readers of either database as any other table."""

import json
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from export_pipeline.contributions.webhook import Answer
from export_pipeline.dataset.tables import Table
from export_pipeline.extract.derived import DerivedSource
from export_pipeline.extract.query import rows_of_hour, unfit_rows
from export_pipeline.extract.schema import arrow_schema
from export_pipeline.extract.sources import STATEMENT_LIMIT, open_source
from export_pipeline.extract.sqlite import SqliteSource
from export_pipeline.filters.checking import check
from export_pipeline.filters.grammar import parse
from export_pipeline.filters.tree import EVERY_ROW
from export_pipeline.store.contributed_tables import contributed_tables, with_contributed
from export_pipeline.store.contribution_schema import DATA_CONNECTORS
from export_pipeline.store.database import reading, writing
from export_pipeline.store.webhook_answers import keep_answers
from export_pipeline_tests.builders import ORGANIZATION, a_table, an_hour
from export_pipeline_tests.contributed import COUNTRY, a_data_connector, a_record, an_entity_type, webhook_of


def tables(control: sa.Engine, organization: str = ORGANIZATION) -> Sequence[Table]:
    with reading(control) as connection:
        return contributed_tables(connection, organization)


def read(
    control: sa.Engine, table: Table, filter_: str = "", columns: Sequence[str] = ()
) -> list[dict[str, Any]]:
    url = control.url.render_as_string(hide_password=False)
    chosen = table.select(columns)
    rows = rows_of_hour(table, chosen, an_hour(), check(parse(filter_), table), None)
    assert table.derived is not None
    with (
        closing(DerivedSource(open_source(url), {table.relation: table.derived})) as source,
        source.snapshot() as snapshot,
    ):
        batches = [batch.to_pylist() for batch in snapshot.batches(rows, arrow_schema(chosen))]
        found = [row for batch in batches for row in batch]
        assert snapshot.count(rows) == len(found)
    return found


def unfit(control: sa.Engine, table: Table, column: str | None = None) -> int:
    url = control.url.render_as_string(hide_password=False)
    assert table.derived is not None
    with (
        closing(DerivedSource(open_source(url), {table.relation: table.derived})) as source,
        source.snapshot() as snapshot,
    ):
        return snapshot.count(unfit_rows(table, an_hour(), column))


def test_an_entity_type_is_a_table_of_its_schemas_columns(control: sa.Engine) -> None:
    an_entity_type(control)

    (table,) = tables(control)

    assert table.name == "country"
    assert [(column.name, str(column.type)) for column in table.columns] == [
        ("vendor_id", "string"),
        ("public_id", "string"),
        ("record_name", "string"),
        ("connector", "string"),
        ("accepted_at", "timestamp"),
        ("population", "int64"),
        ("capital.name", "string"),
        ("instance", "json"),
        ("extra", "json"),
    ]


def test_its_rows_are_the_records_of_the_hour(control: sa.Engine) -> None:
    connector = a_data_connector(control, an_entity_type(control))
    a_record(control, connector, "it", {"population": 5}, instance={"b": 1, "a": 2}, minutes=59)
    a_record(
        control,
        connector,
        "gb",
        {"population": 7, "capital": {"name": "London", "x": 1}, "y": "é"},
        minutes=1,
    )
    a_record(control, connector, "later", {}, minutes=60)
    (table,) = tables(control)

    first, second = read(control, table)

    assert first["vendor_id"] == "gb"
    assert first["record_name"] == "GB"
    assert first["connector"] == "wikipedia"
    assert first["accepted_at"] == datetime(2013, 1, 1, 0, 1, tzinfo=UTC)
    assert (first["population"], first["capital.name"]) == (7, "London")
    assert json.loads(first["extra"]) == {"capital": {"x": 1}, "y": "é"}
    assert first["instance"] is None
    assert (second["population"], second["capital.name"], second["extra"]) == (5, None, None)
    assert second["instance"] == '{"a": 2, "b": 1}'


def test_an_index_finds_the_hour(control: sa.Engine) -> None:
    """On SQLite; PostgreSQL chooses by how many rows there are."""
    a_data_connector(control, an_entity_type(control))
    (table,) = tables(control)
    assert table.derived is not None
    rows = rows_of_hour(table, table.columns, an_hour(), EVERY_ROW, None)
    asked = rows.add_cte(table.derived.cte(table.relation)).compile(dialect=control.dialect)
    if control.dialect.name == "sqlite":
        values = tuple(asked.params[name] for name in asked.positiontup or ())
        with closing(SqliteSource(control.url, STATEMENT_LIMIT)) as source, source.engine.connect() as opened:
            plan = opened.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked}", values).all()
        assert any("connector=? AND accepted_at>? AND accepted_at<?" in str(row) for row in plan), plan
    assert read(control, table) == []


def test_connectors_that_are_not_live_have_no_rows(control: sa.Engine) -> None:
    connector = a_data_connector(control, an_entity_type(control), live=False)
    a_record(control, connector, "gb", {})
    (table,) = tables(control)

    assert read(control, table) == []
    with writing(control) as connection:
        connection.execute(DATA_CONNECTORS.update().values(is_live=True))
    assert [row["vendor_id"] for row in read(control, table)] == ["gb"]


def test_filters_and_columns_are_as_of_any_table(control: sa.Engine) -> None:
    connector = a_data_connector(control, an_entity_type(control))
    for vendor_id, population in (("a", 1), ("b", 2), ("c", None)):
        a_record(control, connector, vendor_id, {"population": population, "capital": {"name": vendor_id}})
    (table,) = tables(control)

    assert read(control, table, "population >= 2", ["capital.name"]) == [{"capital.name": "b"}]
    assert read(control, table, "population IS NULL", ["vendor_id"]) == [{"vendor_id": "c"}]
    assert read(control, table, "capital.name =@ 'A' OR extra =@ 'x'", ["vendor_id"]) == [{"vendor_id": "a"}]


def test_what_a_webhook_said_is_in_the_row(control: sa.Engine) -> None:
    connector = a_data_connector(control, an_entity_type(control), webhook="http://a.example")
    a_record(control, connector, "gb", {"population": 1, "old": 1}, instance={"a": 1})
    a_record(control, connector, "it", {"population": 1})
    hook = webhook_of(connector, cache=0)
    said = Answer(entity={"population": 2, "capital": {"name": "London"}, "new": 1}, instance={"b": 2})
    with writing(control) as connection:
        keep_answers(connection, hook, {"gb": said}, datetime.now(UTC))
    (table,) = tables(control)

    by_id = {row["vendor_id"]: row for row in read(control, table)}

    assert (by_id["gb"]["population"], by_id["gb"]["capital.name"]) == (2, "London")
    assert json.loads(by_id["gb"]["extra"]) == {"new": 1, "old": 1}
    assert json.loads(by_id["gb"]["instance"]) == {"a": 1, "b": 2}
    assert by_id["it"]["population"] == 1


def test_an_answer_that_does_not_fit_the_schema_any_more_is_not_in_the_row(control: sa.Engine) -> None:
    """It would refuse the hour for every other connector as well."""
    connector = a_data_connector(control, an_entity_type(control), webhook="http://a.example")
    said: list[tuple[str, dict[str, Any]]] = [
        ("many", {"population": "many", "x": 1}),
        ("text", {"capital": "London"}),
        ("none", {"population": None}),
        ("two", {"population": 2}),
    ]
    for vendor_id, _ in said:
        a_record(control, connector, vendor_id, {"population": 1}, instance={"a": 1})
    hook = webhook_of(connector, cache=9)
    answers = {vendor_id: Answer(entity=entity, instance={"b": 2}) for vendor_id, entity in said}
    with writing(control) as connection:
        keep_answers(connection, hook, answers, datetime.now(UTC))
    (table,) = tables(control)

    assert unfit(control, table) == 0
    assert {row["vendor_id"]: (row["population"], row["instance"]) for row in read(control, table)} == {
        "many": (1, '{"a": 1}'),
        "text": (1, '{"a": 1}'),
        "none": (None, '{"a": 1, "b": 2}'),
        "two": (2, '{"a": 1, "b": 2}'),
    }
    assert all(row["extra"] is None for row in read(control, table))


def test_a_connector_that_has_no_webhook_any_more_is_not_enriched(control: sa.Engine) -> None:
    connector = a_data_connector(control, an_entity_type(control), webhook="http://a.example")
    a_record(control, connector, "gb", {"population": 1})
    hook = webhook_of(connector, cache=9)
    with writing(control) as connection:
        keep_answers(connection, hook, {"gb": Answer(entity={"population": 2})}, datetime.now(UTC))
        connection.execute(DATA_CONNECTORS.update().values(webhook=None))
    (table,) = tables(control)

    assert [row["population"] for row in read(control, table)] == [1]


def test_values_that_do_not_fit_are_counted_by_column(control: sa.Engine) -> None:
    schema = {"properties": {"a_b": {"type": "integer"}, "aXb": {"type": "integer"}, "c": {"type": "object"}}}
    connector = a_data_connector(control, an_entity_type(control, schema=schema))
    a_record(control, connector, "1", {"a_b": "5", "c": "anything"})
    a_record(control, connector, "2", {"a_b": 5})
    a_record(control, connector, "3", {"a_b": "6"}, minutes=61)
    (table,) = tables(control)

    assert unfit(control, table) == 1
    assert unfit(control, table, "a_b") == 1
    assert unfit(control, table, "aXb") == 0


def test_two_organizations_have_each_their_own_table_of_one_name(control: sa.Engine) -> None:
    for organization, schema in ((ORGANIZATION, COUNTRY), ("others", None)):
        entity_type = an_entity_type(control, organization=organization, schema=schema)
        a_record(control, a_data_connector(control, entity_type), organization, {"population": 1})

    (mine,), (theirs,) = tables(control), tables(control, "others")

    assert [row["vendor_id"] for row in read(control, mine)] == [ORGANIZATION]
    assert [row["vendor_id"] for row in read(control, theirs)] == ["others"]
    assert "population" not in {column.name for column in theirs.columns}


def test_an_organization_without_entity_types_has_no_tables(control: sa.Engine) -> None:
    assert tables(control) == []


def test_a_declared_table_keeps_its_name() -> None:
    declared, contributed = a_table(), a_table(name="Flights", derived=sa.select(1))
    other = a_table(name="country", derived=sa.select(1))

    assert with_contributed({"flights": declared}, [contributed, other]) == {
        "flights": declared,
        "country": other,
    }


@pytest.mark.parametrize("properties", [0, 500])
def test_any_schema_can_be_read(control: sa.Engine, properties: int) -> None:
    types = ["string", "integer", "number", "boolean", "object"]
    schema = {"properties": {f"p{number}": {"type": types[number % 5]} for number in range(properties)}}
    connector = a_data_connector(control, an_entity_type(control, schema=schema))
    a_record(control, connector, "x", {"p0": "text", "p1": 5, "p2": 0.5, "p3": True, "p4": {"a": 1}})
    (table,) = tables(control)

    (row,) = read(control, table)

    assert row["vendor_id"] == "x"
    assert unfit(control, table) == 0
