"""Exit codes, messages and silence: what a shell and a person get from the real process."""

import os
import signal
import sqlite3
import time
from collections.abc import Mapping

from export_pipeline_tests.cli.conftest import CallCli
from export_pipeline_tests.cli.terminals import run, started
from export_pipeline_tests.installations import Installation


def test_help_ends_well(environ: Mapping[str, str]) -> None:
    ended = run(["--help"], environ)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert "Hand customers their own data" in ended.stdout


def test_an_unknown_thing_is_refused_with_its_message_alone(environ: Mapping[str, str]) -> None:
    ended = run(["export", "show", "nothing"], environ)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "error: there is no export 'nothing'; there are: none\n"


def test_an_error_is_a_document_when_one_was_asked_for(call_cli: CallCli) -> None:
    result = call_cli("export", "create", "EVENTS", "--table", "events", "--json")

    assert (result.code, result.out) == (2, "")
    assert result.error["type"] == "InvalidRequest"
    assert result.error["field"] == "first_hour"


def test_a_mistyped_option_is_a_usage_error(call_cli: CallCli) -> None:
    result = call_cli("export", "list", "--jsonn")

    assert result.code == 2
    assert result.err.endswith("see: export-pipeline export list --help\n")


def test_a_usage_error_is_a_document_when_one_was_asked_for(call_cli: CallCli) -> None:
    result = call_cli("task", "show", "--json")

    assert (result.code, result.error["type"]) == (2, "MissingParameter")


def test_a_group_without_a_command_shows_its_help(call_cli: CallCli) -> None:
    result = call_cli("export")

    assert (result.code, result.err) == (2, "")
    assert "List the exports." in result.out


def test_a_failure_that_nobody_asked_for_ends_with_one(call_cli: CallCli, installation: Installation) -> None:
    (installation.folder / "secret.key").chmod(0o644)

    result = call_cli("export", "list")

    assert result.code == 1
    assert "protect it: chmod 600" in result.err


def test_trouble_with_the_machine_is_no_bug(call_cli: CallCli) -> None:
    result = call_cli("demo", "--home", "/dev/null/demo")

    assert result.code == 1
    assert result.err == "error: /dev/null/demo: Not a directory\n"


def test_a_bug_says_where_and_how_to_report_it(call_cli: CallCli, installation: Installation) -> None:
    _break(installation)

    result = call_cli("task", "list")

    assert result.code == 70
    assert result.err.startswith("error: unexpected OperationalError at ")
    assert "EXPORT_PIPELINE_DEBUG=1" in result.err
    assert "Traceback" not in result.err


def test_the_traceback_of_a_bug_is_shown_on_request(
    environ: Mapping[str, str], installation: Installation
) -> None:
    _break(installation)

    ended = run(["task", "list"], {**environ, "EXPORT_PIPELINE_DEBUG": "1"})

    assert ended.returncode == 70
    assert "Traceback (most recent call last)" in ended.stderr


def test_a_closed_pipe_ends_it_quietly(environ: Mapping[str, str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        with started(["export", "list"], environ, stdout=writing) as process:
            _, complaint = process.communicate(timeout=60)
    finally:
        os.close(writing)

    assert (process.returncode, complaint) == (141, "")


def test_a_closed_pipe_ends_a_document_quietly(environ: Mapping[str, str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        with started(["export", "list", "--json"], environ, stdout=writing) as process:
            _, complaint = process.communicate(timeout=60)
    finally:
        os.close(writing)

    assert (process.returncode, complaint) == (141, "")


def test_an_interrupted_command_says_nothing(
    call_cli: CallCli, environ: Mapping[str, str], installation: Installation
) -> None:
    installation.export()
    hours = ("--from", "2026-01-05T00:00:00Z", "--to", "2026-01-05T01:00:00Z")
    task = call_cli("task", "create", "events", *hours, "--json").document["id"]

    with started(["task", "watch", task], environ) as process:
        assert process.stdout is not None
        process.stdout.readline()  # it watches now
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        _, complaint = process.communicate(timeout=60)

    assert (process.returncode, complaint.strip()) == (130, "")


def _break(installation: Installation) -> None:
    with sqlite3.connect(installation.folder / "control.db") as connection:
        connection.execute("ALTER TABLE tasks RENAME TO something_else")
    connection.close()
