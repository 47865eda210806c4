import pytest

from export_pipeline.dataset.tables import Dataset, Table, suggestion
from export_pipeline.errors import InvalidRequest, NotFound
from export_pipeline_tests.builders import a_column

HOUR, CARRIER = a_column("time_hour", "timestamp", nullable=False), a_column("Carrier")
FLIGHTS = Table(
    name="flights",
    relation="flights",
    columns=(HOUR, CARRIER),
    time_column="time_hour",
    order_by=("time_hour",),
)
DATASET = Dataset(url_variable="FLIGHTS_URL", tables={"flights": FLIGHTS})


@pytest.mark.parametrize("name", ["Carrier", "carrier", "CARRIER"])
def test_a_column_is_found_whatever_its_case(name: str) -> None:
    assert FLIGHTS.column(name) is CARRIER


def test_an_unknown_column_is_refused_with_the_nearest() -> None:
    with pytest.raises(InvalidRequest, match="'flights' has no column 'carier'; did you mean 'Carrier'"):
        FLIGHTS.column("carier")


def test_columns_come_in_the_order_asked_for() -> None:
    assert FLIGHTS.select(["carrier", "time_hour"]) == (CARRIER, HOUR)


def test_every_column_comes_when_none_is_named() -> None:
    assert FLIGHTS.select([]) == (HOUR, CARRIER)


def test_a_column_named_twice_in_two_cases_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="columns named twice: Carrier") as caught:
        FLIGHTS.select(["carrier", "CARRIER"])
    assert caught.value.field == "columns"


def test_a_table_is_found_whatever_its_case() -> None:
    assert DATASET.table("Flights") is FLIGHTS


def test_an_unknown_table_is_not_found() -> None:
    with pytest.raises(NotFound, match="there is no table 'flihgts'; did you mean 'flights'"):
        DATASET.table("flihgts")


def test_a_name_like_no_other_is_answered_with_all_there_are() -> None:
    assert suggestion("zzz", ["carrier", "origin"]) == "; there are carrier, origin"
