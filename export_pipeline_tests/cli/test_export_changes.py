"""Exports paused, resumed, given another definition and deleted from the command line."""

import json

import pytest

from export_pipeline_tests.cli.conftest import CallCli

DEFINITION = {"tables": [{"name": "events"}], "format": "csv.gz", "first_hour": "2026-01-05T00:00:00Z"}


@pytest.fixture(autouse=True)
def events(call_cli: CallCli) -> None:
    given = json.dumps(DEFINITION).encode()
    assert call_cli("export", "create", "events", "--definition", "-", given=given).code == 0


def test_an_export_rests_and_goes_on(call_cli: CallCli) -> None:
    paused = call_cli("export", "pause", "events")
    shown = json.loads(call_cli("export", "show", "events", "--json").out)
    resumed = json.loads(call_cli("export", "resume", "events", "--json").out)

    assert paused.out == "paused events; resume it with: export-pipeline export resume events\n"
    assert shown["paused"] is True
    assert resumed["paused"] is False
    assert resumed["next_hour"] is not None


def test_an_export_is_given_another_definition(call_cli: CallCli) -> None:
    given = json.dumps({**DEFINITION, "format": "parquet"}).encode()

    updated = call_cli("export", "update", "events", "--definition", "-", given=given)

    assert updated.code == 0
    assert updated.out.startswith("updated events; the next run reads it")
    shown = json.loads(call_cli("export", "show", "events", "--json").out)
    assert shown["definition"]["format"]["type"] == "parquet"


def test_a_definition_that_cannot_be_exported_is_refused(call_cli: CallCli) -> None:
    given = json.dumps({**DEFINITION, "tables": [{"name": "nothing"}]}).encode()

    refused = call_cli("export", "update", "events", "--definition", "-", "--json", given=given)

    assert (refused.code, refused.error["field"]) == (2, "tables")


def test_a_deleted_export_is_gone(call_cli: CallCli) -> None:
    assert call_cli("export", "delete", "events", "--yes").code == 0
    refused = call_cli("export", "pause", "events", "--json")
    assert (refused.code, refused.error["type"]) == (2, "NotFound")
