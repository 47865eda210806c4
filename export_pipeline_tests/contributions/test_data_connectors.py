"""Data connectors: every rule of the document's table."""

from typing import Any

import pytest

from export_pipeline.contributions.data_connectors import WEBHOOK_NEEDED, ConnectorProfile, connector_profile
from export_pipeline.contributions.mistakes import Rejected

URI = 'does not conform to the "uri" format'
HTTP = 'does not match pattern "^https?://.*$"'

WIKIPEDIA: dict[str, Any] = {
    "name": "Wikipedia",
    "description": "Country information from Wikipedia",
    "webhook": "http://my-domain.com/connectors/1",
    "cache": 0,
}
POPULATION = {"population": {"period": "P1Y", "value": "people", "unit": "x1000"}}


def profile(**changes: Any) -> ConnectorProfile:
    return connector_profile(WIKIPEDIA | changes, timeseries={})


def refused(**changes: Any) -> list[tuple[str, str]]:
    with pytest.raises(Rejected) as found:
        profile(**changes)
    return [(one.name, one.reason) for one in found.value.mistakes]


def test_what_is_said_of_a_connector_is_read() -> None:
    assert profile(cache=60.0, is_live=True) == ConnectorProfile(
        name="Wikipedia",
        description="Country information from Wikipedia",
        webhook="http://my-domain.com/connectors/1",
        cache=60,
    )


def test_a_name_and_a_description_will_do() -> None:
    assert connector_profile({"name": "n", "description": "d"}, timeseries={}) == ConnectorProfile(
        name="n", description="d", webhook=None, cache=0
    )


@pytest.mark.parametrize("webhook", ["", None])
def test_no_webhook_is_none(webhook: str | None) -> None:
    assert profile(webhook=webhook).webhook is None


def test_a_slash_at_the_end_is_taken_away() -> None:
    assert profile(webhook="https://example.com/a/").webhook == "https://example.com/a"


@pytest.mark.parametrize(
    ("field", "value", "reasons"),
    [
        ("name", "", ["does not meet minimum length of 1"]),
        ("name", "n" * 65, ["does not meet maximum length of 64"]),
        ("name", [], ["is not of a type(s) string"]),
        ("description", "", ["does not meet minimum length of 1"]),
        ("description", "d" * 2049, ["does not meet maximum length of 2048"]),
        ("webhook", "http://a/" + "w" * 1016, ["does not meet maximum length of 1024"]),
        ("webhook", "my-domain.com", [HTTP, URI]),
        ("webhook", "ftp://my-domain.com", [HTTP]),
        ("webhook", "http://a b", [URI]),
        ("webhook", "http://", [URI]),
        ("webhook", 3, ["is not of a type(s) string"]),
        ("webhook", {"a": 1}, ["is not of a type(s) string"]),
        ("cache", -1, ["must be greater than or equal to 0"]),
        ("cache", 31536001, ["must be less than or equal to 31536000"]),
        ("cache", "60", ["is not of a type(s) integer"]),
        ("cache", 1.5, ["is not of a type(s) integer"]),
        ("cache", True, ["is not of a type(s) integer"]),
    ],
)
def test_a_rule_of_the_table(field: str, value: Any, reasons: list[str]) -> None:
    assert refused(**{field: value}) == [(field, reason) for reason in reasons]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "n" * 64),
        ("description", "d" * 2048),
        ("webhook", "http://a/" + "w" * 1015),
        ("cache", 31536000),
    ],
)
def test_the_most_that_the_table_allows(field: str, value: Any) -> None:
    assert getattr(profile(**{field: value}), field) == value


def test_timeseries_need_a_webhook() -> None:
    with pytest.raises(Rejected) as found:
        connector_profile({"name": "n", "description": "d"}, timeseries=POPULATION)

    assert [(one.name, one.reason) for one in found.value.mistakes] == [("webhook", WEBHOOK_NEEDED)]
    assert connector_profile(WIKIPEDIA, timeseries=POPULATION).webhook


@pytest.mark.parametrize("body", [[], "text", 3, None])
def test_what_is_no_object_is_no_connector(body: Any) -> None:
    with pytest.raises(Rejected, match=r"is not of a type\(s\) object"):
        connector_profile(body, timeseries={})
