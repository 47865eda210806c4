"""Entity types: every rule of the document's table."""

from typing import Any

import pytest

from export_pipeline.contributions.entity_types import entity_profile, schema_of, schema_problem
from export_pipeline.contributions.mistakes import Rejected
from export_pipeline.contributions.schemas import Unusable

COUNTRIES: dict[str, Any] = {
    "name": "Countries",
    "description": "All the countries in the world as defined by the UN",
    "schema": {"type": "object"},
    "tags": ["geography"],
    "icon": "globe",
    "timeseries": {"population": {"period": "P1Y", "value": "people", "unit": "x1000"}},
}


def a_series(**changes: Any) -> dict[str, Any]:
    return {"population": {"period": "P1Y", "value": "people", "unit": "x1000", **changes}}


def refused(**changes: Any) -> list[tuple[str, str]]:
    with pytest.raises(Rejected) as found:
        entity_profile(COUNTRIES | changes)
    assert all(one.index is None for one in found.value.mistakes)
    return [(one.name, one.reason) for one in found.value.mistakes]


def test_what_is_said_of_an_entity_type_is_read() -> None:
    profile = entity_profile(COUNTRIES)

    assert (profile.name, profile.tags, profile.icon) == ("Countries", ("geography",), "globe")
    assert profile.schema == {"type": "object"}
    assert profile.timeseries == COUNTRIES["timeseries"]


def test_a_name_and_a_description_will_do() -> None:
    profile = entity_profile({"name": "C", "description": "D", "tags": None, "url": "passed over"})

    assert (profile.schema, profile.tags, profile.icon, profile.timeseries) == ({}, (), "", {})


@pytest.mark.parametrize(
    ("field", "value", "reasons"),
    [
        ("name", "", ["does not meet minimum length of 1"]),
        ("name", "n" * 65, ["does not meet maximum length of 64"]),
        ("name", 3, ["is not of a type(s) string"]),
        ("name", None, ["is not of a type(s) string"]),
        ("description", "", ["does not meet minimum length of 1"]),
        ("description", "d" * 2049, ["does not meet maximum length of 2048"]),
        ("schema", [], ["is not of a type(s) object"]),
        ("schema", "{}", ["is not of a type(s) object"]),
        ("schema", {"title": "x" * 70_000}, ["does not meet maximum length of 65536"]),
        ("tags", "geography", ["is not of a type(s) array"]),
        ("tags", ["a", "a"], ["contains duplicate item"]),
        ("tags", [str(n) for n in range(17)], ["does not meet maximum length of 16"]),
        ("icon", "i" * 257, ["does not meet maximum length of 256"]),
        ("timeseries", [], ["is not of a type(s) object"]),
    ],
)
def test_a_rule_of_the_table(field: str, value: Any, reasons: list[str]) -> None:
    assert refused(**{field: value}) == [(field, reason) for reason in reasons]


@pytest.mark.parametrize(
    ("series", "name", "reason"),
    [
        (a_series(value=""), "timeseries.population.value", "does not meet minimum length of 1"),
        (a_series(unit="u" * 257), "timeseries.population.unit", "does not meet maximum length of 256"),
        (
            a_series(other=1),
            "timeseries.population",
            'is not allowed to have the additional property "other"',
        ),
        ({"population": {}}, "timeseries.population", 'requires property "period"'),
        (
            {"Population": a_series()["population"]},
            "timeseries",
            'does not match pattern "^[a-z][a-z0-9-]+$"',
        ),
        (a_series(period="1Y"), "timeseries.population.period", 'does not conform to the "duration" format'),
    ],
)
def test_a_rule_of_its_timeseries(series: Any, name: str, reason: str) -> None:
    assert (name, reason) in refused(timeseries=series)


@pytest.mark.parametrize("period", ["P1Y", "P1M", "P3D", "PT1H", "P1DT12H", "PT0.5S", "P2W", "P1Y2M3DT4H5M"])
def test_a_period_is_a_duration(period: str) -> None:
    assert entity_profile(COUNTRIES | {"timeseries": a_series(period=period)})


@pytest.mark.parametrize("period", ["P", "PT", "P1H", "P1Y2W", "PT1D", "-P1D", "P1.5Y", "P1Y ", "P\u0661Y"])
def test_what_is_no_duration_is_no_period(period: str) -> None:
    assert refused(timeseries=a_series(period=period))


def test_what_is_missing_is_called_by_its_name() -> None:
    with pytest.raises(Rejected) as found:
        entity_profile({})

    assert [(one.name, one.reason) for one in found.value.mistakes] == [
        ("name", 'requires property "name"'),
        ("description", 'requires property "description"'),
    ]


@pytest.mark.parametrize("body", [[], "text", 3, None])
def test_what_is_no_object_is_no_entity_type(body: Any) -> None:
    with pytest.raises(Rejected, match=r"is not of a type\(s\) object"):
        entity_profile(body)


def test_a_schema_may_not_be_nested_without_end() -> None:
    deep: dict[str, Any] = {}
    for _ in range(40):
        deep = {"title": deep}

    assert refused(schema=deep) == [("schema", "does not meet maximum depth of 32")]


def test_a_schema_that_nobody_can_use_is_taken_and_told() -> None:
    profile = entity_profile(COUNTRIES | {"schema": {"$ref": "http://elsewhere.example/schema"}})

    assert "nothing is fetched" in (schema_problem(profile.schema) or "")
    with pytest.raises(Unusable):
        schema_of(profile.schema)
    assert schema_problem({"type": "object"}) is None
