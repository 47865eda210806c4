"""Both spellings of a request come to the same."""

from datetime import UTC, datetime
from typing import Any

import pytest

from export_pipeline.api.coveo.asking import ExportBody, by_body, by_query, one_line
from export_pipeline.errors import InvalidRequest
from export_pipeline_tests.api.coveo.conftest import Client

FROM, TO = "2018-08-01T00:00:00.000Z", "2018-08-01T03:59:59.999Z"


def test_parameters_and_body_ask_for_the_same() -> None:
    by_parameters = by_query(
        FROM, TO, f=["true"], fs=["a==1"], fc=["b==2"], tables=["clicks"], dimensions=["city"], d="what"
    )
    body = ExportBody.model_validate(
        {
            "from": FROM,
            "to": TO,
            "commonFilters": ["true"],
            "searchesFilters": ["a==1"],
            "customEventsFilters": ["b==2"],
            "tables": ["clicks"],
            "dimensions": ["city"],
            "description": "what",
        }
    )

    assert by_body(body) == by_parameters
    assert (by_parameters.since, by_parameters.until) == (
        datetime(2018, 8, 1, tzinfo=UTC),
        datetime(2018, 8, 1, 4, tzinfo=UTC),
    )


def test_an_empty_name_is_none_and_missing_lists_are_empty() -> None:
    body = ExportBody.model_validate({"from": FROM, "to": TO, "filename": "", "tables": None})

    assert by_body(body) == by_query(FROM, TO, filename="")
    assert by_body(body).export.filename is None


@pytest.mark.parametrize(
    ("format_", "so"), [(None, False), ("EXCEL", False), ("no_newline", True), ("NO_NEWLINE", True)]
)
def test_a_format_is_one_of_two(format_: str | None, so: bool) -> None:
    assert one_line(format_, field="format") is so


def test_another_format_is_refused_by_the_name_of_its_field() -> None:
    with pytest.raises(InvalidRequest, match="exportFormat: must be one of EXCEL, NO_NEWLINE"):
        one_line("CSV", field="exportFormat")


BODY = {"from": "2018-08-01T00:00:00.000Z", "to": "2018-08-01T03:59:59.999Z"}
SCHEDULE = {"frequency": "DAILY", "timezone": "Europe/Vienna"}


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/exports/create", {**BODY, "commonFilters": ["city=="]}, "commonFilters"),
        ("/exports/create", {**BODY, "commonFilters": ["responseTimeInMs=='fast'"]}, "commonFilters"),
        ("/exports/create", {**BODY, "searchesFilters": ["city=="]}, "searchesFilters"),
        ("/exports/create", {**BODY, "customEventsFilters": ["city=="]}, "customEventsFilters"),
        ("/exports/create", {**BODY, "description": "x" * 2_001}, "description"),
        ("/exports/schedules", {**SCHEDULE, "commonFilters": ["$NOBODYS"]}, "commonFilters"),
        ("/filters/reporting", {"displayName": "Big", "value": "city=="}, "value"),
    ],
)
def test_what_is_wrong_with_a_body_is_named_as_the_body_does(
    coveo: Client, path: str, body: dict[str, Any], field: str
) -> None:
    refused = coveo.http.post(f"/rest/ua/v15{path}", json=body)

    assert refused.status_code == 400
    assert refused.json()["message"].startswith(f"{field}: ")


def test_a_parameter_is_named_by_its_letter(coveo: Client) -> None:
    assert coveo.refused(fs="city==")["message"].startswith("fs: ")
