"""Connectors checked, started, stopped and failed from the command line; what waits for them says so."""

import pytest

from export_pipeline_tests.cli.conftest import CallCli

CONFIG = b'{"type": "s3", "bucket": "sales", "endpoint_url": "http://127.0.0.1:9"}'
EXPORT = ("export", "create", "events", "--table", "events", "--first-hour", "2026-01-05T00:00:00Z")


@pytest.fixture(autouse=True)
def sales(call_cli: CallCli) -> None:
    assert call_cli("connector", "create", "sales", "--no-check", "--config", "-", given=CONFIG).code == 0


def test_a_check_tells_its_steps_and_the_state(call_cli: CallCli) -> None:
    result = call_cli("connector", "check", "direct_download")

    *steps, state = result.out.splitlines()
    assert result.code == 0
    assert all(step.startswith("ok      ") for step in steps)
    assert state == "direct_download is RUNNING: Its check passed."


@pytest.mark.parametrize("json", [(), ("--json",)])
def test_a_check_that_fails_ends_with_1(call_cli: CallCli, json: tuple[str, ...]) -> None:
    result = call_cli("connector", "check", "sales", *json)

    assert (result.code, "does not answer at port 9" in result.out) == (1, True)


def test_a_connector_is_failed_stopped_and_started(call_cli: CallCli) -> None:
    said = [
        call_cli("connector", "fail", "sales", "--reason", "We move.").out,
        call_cli("connector", "stop", "sales").out,
        call_cli("connector", "start", "sales").out,
    ]

    assert said == [
        "sales is FAILED: We move.\n",
        "sales is STOPPED: It was stopped by hand; start it when files may go there again.\n",
        "sales is STARTING: It has not been checked yet.\n"
        "Dagster checks it in a while, and files go there then; check it now with: export-pipeline connector"
        " check sales\n",
    ]


def test_what_cannot_be_done_now_is_refused_with_what_can(call_cli: CallCli) -> None:
    result = call_cli("connector", "start", "sales", "--json")

    assert (result.code, result.error["type"]) == (2, "WrongState")
    assert "what can be done: replace, stop, fail, delete" in result.error["message"]


def test_an_export_on_a_connector_that_does_not_run_says_that_it_waits(call_cli: CallCli) -> None:
    call_cli("connector", "fail", "sales", "--reason", "We move.")

    made = call_cli(*EXPORT, "--connector", "sales")
    task = ["task", "create", "events", "--from", "2026-01-05T00:00:00Z", "--to", "2026-01-05T01:00:00Z"]

    assert made.code == 0
    assert "it waits, because sales is FAILED: We move.\n" in made.out
    assert "it waits, because sales is FAILED: We move.\n" in call_cli(*task).out
    assert call_cli(*task, "--json").document["waits"] == "waits, because sales is FAILED: We move."


def test_an_export_on_a_connector_that_runs_does_not(call_cli: CallCli) -> None:
    assert call_cli(*EXPORT, "--json").document["waits"] is None
