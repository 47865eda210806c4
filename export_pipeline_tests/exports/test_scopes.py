"""Common filters and those of one table: which apply to which table, and what is refused."""

from typing import Any

import pytest

from export_pipeline.errors import InvalidRequest
from export_pipeline.exports.scopes import filters_named_by, filters_of
from export_pipeline.filters.limits import MAX_DEPTH, MAX_TEXT, MAX_VALUES
from export_pipeline.filters.named import NamedFilters
from export_pipeline.filters.text import text_of
from export_pipeline_tests.builders import a_column, a_dataset, a_definition, a_table

BOTH = ({"name": "flights"}, {"name": "weather"})
NAMED = NamedFilters({"WARM": "temp > 20", "HUBS": "origin IN ['JFK']", "LOST": "orgin == 'x'"})


def applied(*tables: Any, **changes: Any) -> list[str]:
    definition = a_definition(tables=tables or BOTH, **changes)
    chosen = [a_dataset().table(choice.name) for choice in definition.tables]
    return [text_of(filter_) for filter_ in filters_of(definition, chosen, NAMED)]


def refusal(*tables: Any, **changes: Any) -> str:
    with pytest.raises(InvalidRequest) as refused:
        applied(*tables, **changes)
    assert refused.value.field == "filter"
    return str(refused.value)


def test_without_filters_every_row_of_every_table_is_exported() -> None:
    assert applied() == ["", ""]


def test_a_common_filter_applies_to_every_table() -> None:
    assert applied(filter="ORIGIN == 'JFK'") == ["origin == 'JFK'", "origin == 'JFK'"]


def test_a_common_filter_applies_to_the_tables_that_have_its_column() -> None:
    assert applied(filter="temp > 20") == ["", "temp > 20.0"]


def test_a_table_has_to_have_all_columns_of_a_common_filter() -> None:
    assert applied(filter="origin == 'JFK' OR temp > 20") == ["", "origin == 'JFK' OR temp > 20.0"]


def test_each_common_filter_finds_its_tables_by_itself() -> None:
    assert applied(filters=("temp > 20", "origin == 'JFK'", "distance < 9")) == [
        "origin == 'JFK' AND distance < 9",
        "temp > 20.0 AND origin == 'JFK'",
    ]


def test_a_common_filter_without_columns_applies_to_all_tables() -> None:
    assert applied(filters=("false", " ")) == ["false", "false"]


def test_a_tables_own_filter_applies_to_it_alone() -> None:
    own = {"name": "weather", "filters": ["origin == 'LGA'", "temp > 20"]}
    assert applied({"name": "flights"}, own) == ["", "origin == 'LGA' AND temp > 20.0"]


def test_all_filters_of_a_table_have_to_hold() -> None:
    own = {"name": "flights", "filters": ["distance > 5 OR distance IS NULL"]}
    assert applied(own, filters=("origin == 'JFK' OR origin == 'LGA'", "carrier == 'UA' AND fare > 1")) == [
        "(origin == 'JFK' OR origin == 'LGA') AND carrier == 'UA' AND fare > 1"
        " AND (distance > 5 OR distance IS NULL)"
    ]


def test_named_filters_are_found_by_the_columns_they_stand_for() -> None:
    assert applied({"name": "flights", "filter": "NOT $HUBS"}, {"name": "weather"}, filter="$WARM") == [
        "origin NOT_IN ['JFK']",
        "temp > 20.0",
    ]


def test_a_common_filter_that_no_table_has_the_column_of_is_refused_with_the_nearest_one() -> None:
    assert refusal(filter="origin == 'JFK' AND tmp > 20") == (
        "filter, line 1, column 21: none of the tables flights, weather has a column 'tmp';"
        " did you mean 'temp'?"
    )
    assert refusal({"name": "flights"}, filter="temp > 20").startswith(
        "filter, line 1, column 1: table 'flights' has no column 'temp'; "
    )


def test_a_common_filter_whose_columns_no_table_has_together_is_refused() -> None:
    assert refusal(filter="origin == 'JFK' AND temp > 20 AND carrier != null") == (
        "filter: no table has all of its columns: flights has no temp; weather has no carrier;"
        " split it, or write it for one table"
    )


def test_of_several_filters_the_one_that_is_wrong_is_named() -> None:
    assert refusal(filters=("origin == 'JFK'", "origin =")).startswith("filter 2, line 1, column 8: found =")
    assert refusal(filters=("tmp > 2", "true")).startswith("filter 1, line 1, column 1: none of the tables")


def test_a_mistake_in_a_tables_own_filter_names_the_table() -> None:
    assert refusal({"name": "flights", "filter": "temp > 2"}, {"name": "weather"}).startswith(
        "filter of table 'flights', line 1, column 1: table 'flights' has no column 'temp'"
    )


def test_a_table_that_has_the_column_with_another_type_refuses_the_filter() -> None:
    tables = (a_table(name="a"), a_table(name="b", columns=(a_column("carrier", "int32"),)))
    definition = a_definition(tables=({"name": "a"}, {"name": "b"}), filter="carrier == 'UA'")
    with pytest.raises(InvalidRequest) as refused:
        filters_of(definition, tables, NAMED)
    assert str(refused.value) == (
        "filter for table 'b', line 1, column 1: carrier is of type int32, which 'UA' is not:"
        " write a number, without quotes"
    )


def test_a_mistake_in_a_named_filter_is_said_to_be_there() -> None:
    assert refusal({"name": "flights"}, filter="$HUBS AND $LOST").startswith(
        "filter, in $LOST, line 1, column 1: table 'flights' has no column 'orgin'; did you mean 'origin'?"
    )
    assert refusal(filter="$HUB").startswith(
        "filter, line 1, column 1: there is no named filter $HUB; did you mean 'HUBS'?"
    )


def test_the_limits_are_those_of_all_filters_of_a_table_together() -> None:
    many = f"id IN [{', '.join(map(str, range(MAX_VALUES // 2 + 1)))}]"
    assert refusal({"name": "flights", "filter": many}, {"name": "weather"}, filter=many).startswith(
        "filters of table 'flights' together: the filter names more than 5,000 values"
    )
    long = f"origin == '{'x' * (MAX_TEXT // 2)}'"
    assert refusal(filters=(long, long)).startswith(
        "filters of table 'flights' together: the filter is longer than 100,000 characters"
    )
    deep = f"{'NOT ' * (MAX_DEPTH - 1)}(id == 1)"
    assert len(applied({"name": "flights", "filter": deep}, filter=deep)) == 1


def test_the_filters_that_a_definition_names_are_those_of_all_scopes() -> None:
    tables = ({"name": "flights", "filters": ["$A", "NOT ($B)"]}, {"name": "weather", "filter": "temp > 1"})
    definition = a_definition(tables=tables, filters=("$A", "$C OR origin == '$D'"))
    assert filters_named_by(definition) == {"A", "B", "C"}
    assert filters_named_by(a_definition()) == frozenset()
