"""Tables, columns and filters as they are typed."""

import pytest

from export_pipeline.cli.choices import chosen_tables
from export_pipeline.errors import InvalidRequest


def test_a_table_is_typed_with_its_columns_or_without() -> None:
    assert chosen_tables(["flights:origin, dest", "weather"], []) == [
        {"name": "flights", "columns": ["origin", "dest"], "filters": []},
        {"name": "weather", "columns": [], "filters": []},
    ]


def test_a_filter_goes_to_the_table_it_names_whatever_its_case() -> None:
    flights, weather = chosen_tables(["flights", "weather"], ["Weather=temp > 5", "weather = id == 1"])

    assert (flights["filters"], weather["filters"]) == ([], ["temp > 5", "id == 1"])


@pytest.mark.parametrize("text", ["temp > 5", "snow=temp > 5", "id == 5"])
def test_a_filter_for_no_chosen_table_is_refused_with_those_that_are(text: str) -> None:
    with pytest.raises(InvalidRequest, match="chosen: flights, weather") as caught:
        chosen_tables(["flights", "weather"], [text])

    assert caught.value.field == "table_filter"
