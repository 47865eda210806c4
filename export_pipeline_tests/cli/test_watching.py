"""Watching ends when the task does, with an exit code that says how."""

import threading
from collections.abc import Mapping

from export_pipeline.connectors.lifecycle import ConnectorState
from export_pipeline_tests.cli.conftest import CallCli
from export_pipeline_tests.cli.deliveries import deliver, fail, move
from export_pipeline_tests.cli.terminals import run_in_a_terminal
from export_pipeline_tests.installations import Installation, hours

THREE_HOURS = ("--from", "2026-01-05T00:00:00Z", "--to", "2026-01-05T03:00:00Z")


def a_task(call_cli: CallCli) -> str:
    id_: str = call_cli("task", "create", "events", *THREE_HOURS, "--json").document["id"]
    return id_


def test_a_finished_task_ends_well(call_cli: CallCli, installation: Installation) -> None:
    deliver(installation, installation.export(), hours(0, 2))

    result = call_cli("task", "watch", a_task(call_cli))

    assert (result.code, result.out) == (0, "events: FINISHED 100 % (3 of 3 hours)\n")


def test_a_failed_task_ends_with_its_failures(call_cli: CallCli, installation: Installation) -> None:
    export = installation.export()
    task = a_task(call_cli)
    fail(installation, export, hours(0, 2))

    result = call_cli("task", "watch", task)

    assert result.code == 1
    assert result.out.splitlines()[0] == "events: ERROR 0 % (0 of 3 hours, 3 failed)"
    assert result.out.count("check the connector's credentials") == 3


def test_hours_that_are_delivered_meanwhile_are_seen(call_cli: CallCli, installation: Installation) -> None:
    export = installation.export()
    task = a_task(call_cli)
    delivery = threading.Thread(target=deliver, args=(installation, export, hours(0, 2)))

    delivery.start()
    result = call_cli("task", "watch", task, "--timeout", "60")
    delivery.join()

    assert (result.code, result.out.splitlines()[-1]) == (0, "events: FINISHED 100 % (3 of 3 hours)")


def test_a_task_can_be_watched_from_the_start(call_cli: CallCli, installation: Installation) -> None:
    deliver(installation, installation.export(), hours(0, 2))

    result = call_cli("task", "create", "events", *THREE_HOURS, "--watch", "--json")

    assert (result.code, result.document["status"]) == (0, "FINISHED")


def test_patience_ends(call_cli: CallCli, installation: Installation) -> None:
    installation.export()

    result = call_cli("task", "watch", a_task(call_cli), "--timeout", "0.1", "--json")

    assert (result.code, result.document["status"]) == (124, "QUEUED")
    assert "goes on; watch it again: export-pipeline task watch " in result.err


def test_a_person_sees_a_bar(
    call_cli: CallCli, environ: Mapping[str, str], installation: Installation
) -> None:
    deliver(installation, installation.export(), hours(0, 2))
    task = a_task(call_cli)

    code, screen = run_in_a_terminal(["task", "watch", task], environ)

    assert code == 0
    assert "━━━" in screen
    assert "3 of 3 hours" in screen


def test_a_task_that_waits_says_for_what_wherever_it_is_shown(
    call_cli: CallCli, installation: Installation
) -> None:
    export = installation.export()
    task = a_task(call_cli)
    move(installation, export, ConnectorState.STOPPED, "So be it.")
    reason = "connector 'direct_download', which is STOPPED: So be it."

    watched = call_cli("task", "watch", task, "--timeout", "0")

    assert watched.code == 124
    assert f"events: QUEUED 0 % (0 of 3 hours), waits for the {reason}" in watched.out
    assert f"waits for the {reason}" in call_cli("task", "show", task).out
    assert f"{task} waits for the {reason}" in call_cli("task", "list").out
    assert call_cli("task", "show", task, "--json").document["waits_for"] == reason
