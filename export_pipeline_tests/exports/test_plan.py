"""A definition against the dataset: columns, filters and tenants, and what does not fit."""

from typing import Any

import pytest
import sqlalchemy as sa

from export_pipeline.dataset.tables import Dataset, Table
from export_pipeline.errors import InvalidRequest
from export_pipeline.exports.plan import derived_tables, plan_of
from export_pipeline.filters.named import NamedFilters
from export_pipeline.filters.text import filter_from
from export_pipeline.filters.tree import EVERY_ROW, Comparison
from export_pipeline_tests.builders import a_column, a_dataset, a_definition, a_table

BOTH = ({"name": "flights"}, {"name": "weather"})
SHARED = a_table(tenant_column="carrier")


def refusal(dataset: Dataset, **changes: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        plan_of(a_definition(**changes), dataset)
    return caught.value


def test_every_column_of_a_table_is_planned_when_none_is_named() -> None:
    (plan,) = plan_of(a_definition(), a_dataset())

    assert plan.columns == a_table().columns


def test_columns_are_planned_in_the_order_asked_for() -> None:
    definition = a_definition(tables=({"name": "flights", "columns": ("origin", "id")},))

    (plan,) = plan_of(definition, a_dataset())

    assert [column.name for column in plan.columns] == ["origin", "id"]


def test_there_is_a_plan_for_every_table_in_the_order_asked_for() -> None:
    plans = plan_of(a_definition(tables=BOTH[::-1]), a_dataset())

    assert [plan.table.name for plan in plans] == ["weather", "flights"]


def test_case_does_not_count_in_names() -> None:
    (plan,) = plan_of(a_definition(tables=({"name": "FLIGHTS", "columns": ("Id",)},)), a_dataset())

    assert (plan.table.name, plan.columns[0].name) == ("flights", "id")


def test_a_filter_is_worked_out_for_each_table() -> None:
    plans = plan_of(a_definition(tables=BOTH, filter="ORIGIN == 'JFK'"), a_dataset())

    for plan in plans:
        assert isinstance(plan.filter, Comparison)
        assert (plan.filter.column, plan.filter.value) == ("origin", "JFK")


def test_contributed_tables_and_others_are_in_two_databases() -> None:
    derived = sa.select(1)
    dataset = a_dataset(a_table(), a_table(name="country", relation="country", derived=derived))
    refused = refusal(dataset, tables=({"name": "flights"}, {"name": "country"}))

    assert refused.field == "tables"
    assert "country is contributed and flights is not" in str(refused)

    plans = plan_of(a_definition(tables=({"name": "country"},)), dataset)
    assert derived_tables(plans) == {"country": derived}
    assert derived_tables(plan_of(a_definition(), dataset)) == {}


def test_no_filter_means_every_row() -> None:
    assert plan_of(a_definition(), a_dataset())[0].filter == EVERY_ROW


def test_an_unknown_table_is_a_mistake_in_the_request() -> None:
    error = refusal(a_dataset(), tables=({"name": "flight"},))

    assert error.field == "tables"
    assert "did you mean 'flights'?" in str(error)


def test_an_unknown_column_is_refused_with_the_nearest_one() -> None:
    error = refusal(a_dataset(), tables=({"name": "flights", "columns": ("carier",)},))

    assert error.field == "columns"
    assert "did you mean 'carrier'?" in str(error)


def test_a_column_named_twice_is_refused() -> None:
    error = refusal(a_dataset(), tables=({"name": "flights", "columns": ("id", "ID")},))

    assert error.field == "columns"
    assert "named twice: id" in str(error)


def test_a_table_named_twice_is_refused() -> None:
    error = refusal(a_dataset(), tables=({"name": "flights"}, {"name": "Flights"}))

    assert error.field == "tables"
    assert "name it once" in str(error)


def test_what_is_applied_can_be_read_back_from_its_text() -> None:
    named = NamedFilters({"FAR": "DISTANCE > 1e3"})
    tables = ({"name": "flights", "filter": "$FAR AND fare < .5"},)
    (plan,) = plan_of(a_definition(tables=tables, filters=("carrier IN ['UA', null]",)), a_dataset(), named)

    assert plan.filter_text == "(carrier IN ['UA'] OR carrier IS NULL) AND distance > 1000 AND fare < 0.5"
    assert filter_from(plan.filter_text, plan.table) == plan.filter
    assert plan_of(a_definition(), a_dataset())[0].filter_text == ""


def test_named_filters_are_those_of_the_moment() -> None:
    definition = a_definition(filter="$FAR")

    for distance in (1, 2):
        (plan,) = plan_of(definition, a_dataset(), NamedFilters({"FAR": f"distance > {distance}"}))
        assert plan.filter == Comparison("distance", ">", distance)


@pytest.mark.parametrize("filter_", ["carrier ==", "carier > 3", "carrier == 3", "$GONE"])
def test_a_filter_that_does_not_fit_a_table_is_refused(filter_: str) -> None:
    assert refusal(a_dataset(), tables=BOTH, filter=filter_).field == "filter"


def test_a_shared_table_is_read_for_one_tenant() -> None:
    (plan,) = plan_of(a_definition(tenant="UA"), a_dataset(SHARED))

    assert plan.tenant == "UA"


@pytest.mark.parametrize("tenant", [None, ""])
def test_a_shared_table_is_never_read_whole(tenant: str | None) -> None:
    error = refusal(a_dataset(SHARED), tenant=tenant)

    assert error.field == "tenant"
    assert "'flights'" in str(error)


def the_weather(**changes: Any) -> Table:
    columns = (a_column("id", "int64"), a_column("time_hour", "timestamp"))
    return a_table(name="weather", columns=columns, **changes)


def test_a_table_that_is_for_every_tenant_is_read_whole() -> None:
    dataset = a_dataset(SHARED, the_weather(for_every_tenant=True))

    plans = plan_of(a_definition(tables=BOTH, tenant="UA"), dataset)

    assert [plan.tenant for plan in plans] == ["UA", None]


def test_a_tenant_is_not_given_all_rows_of_another_table_besides_its_own() -> None:
    error = refusal(a_dataset(SHARED, the_weather()), tables=BOTH, tenant="UA")

    assert error.field == "tenant"
    assert "tenant: weather has no tenant_column declared, and every row would be delivered" in str(error)
    assert "for_every_tenant = true" in str(error)


TENANTS_ARE_UUIDS = a_table(
    columns=(a_column("id", "int64"), a_column("time_hour", "timestamp"), a_column("owner", "uuid")),
    tenant_column="owner",
)


@pytest.mark.parametrize(
    "tenant", ["ABCDEF00-0000-0000-0000-00000000000F", "abcdef0000000000000000000000000f"]
)
def test_a_tenant_that_is_a_uuid_may_be_written_as_any(tenant: str) -> None:
    (plan,) = plan_of(a_definition(tenant=tenant), a_dataset(TENANTS_ARE_UUIDS))

    assert plan.tenant == "abcdef00-0000-0000-0000-00000000000f"


def test_a_tenant_that_is_none_of_the_uuids_is_refused() -> None:
    error = refusal(a_dataset(TENANTS_ARE_UUIDS), tenant="acme")

    assert error.field == "tenant"
    assert "are UUIDs, which 'acme' is not: write it like" in str(error)


def test_a_tenant_is_refused_where_no_table_tells_tenants_apart() -> None:
    """Taken and ignored, it would hand one customer the rows of all."""
    error = refusal(a_dataset(), tenant="UA")

    assert error.field == "tenant"
    assert "every row would be delivered" in str(error)
