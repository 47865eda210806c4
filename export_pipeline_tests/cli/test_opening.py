"""Settings that do not fit are named, with what to write instead."""

import re

import pytest

from export_pipeline_tests.cli.conftest import CallCli


def test_a_setting_that_does_not_fit_names_its_variable(
    call_cli: CallCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXPORT_PIPELINE_HOURS_AT_ONCE", "none")

    result = call_cli("export", "list")

    assert result.code == 2
    assert result.err.startswith("error: EXPORT_PIPELINE_HOURS_AT_ONCE: ")


def test_an_address_of_the_api_that_is_none_is_told_what_one_looks_like(
    call_cli: CallCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXPORT_PIPELINE_API_URL", "exports.example.com")

    told = call_cli("export", "list").err

    assert told.startswith("error: EXPORT_PIPELINE_API_URL: must look like https://exports.example.com, ")


def test_two_bases_that_are_one_are_told_by_their_variables(
    call_cli: CallCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXPORT_PIPELINE_CONSUMER_BASE", "/v1")

    result = call_cli("export", "list")

    assert result.code == 2
    assert result.err.startswith(
        "error: EXPORT_PIPELINE_CONSUMER_BASE: is /v1, and so is EXPORT_PIPELINE_COORDINATOR_BASE; "
    )


def test_an_organization_that_cannot_be_one_is_refused(call_cli: CallCli) -> None:
    result = call_cli("--organization", "../acme", "export", "list", "--json")

    assert (result.code, result.error["field"]) == (2, "organization")


@pytest.mark.parametrize(
    ("url", "code", "words"),
    [
        ("no url at all", 1, "EXPORT_PIPELINE_CONTROL_URL is not a URL"),
        ("mysql://localhost/control", 1, "use sqlite:/// or postgresql://"),
        ("postgresql://127.0.0.1:1/control?connect_timeout=5", 1, "cannot be opened: connection failed"),
        ("sqlite:////dev/null/control.db", 1, "cannot be opened: [Errno 17] File exists"),
    ],
)
def test_a_control_database_that_cannot_be_opened_is_no_bug(
    call_cli: CallCli, monkeypatch: pytest.MonkeyPatch, url: str, code: int, words: str
) -> None:
    monkeypatch.setenv("EXPORT_PIPELINE_CONTROL_URL", url)

    result = call_cli("export", "list")

    assert result.code == code
    assert words in result.err


def test_the_password_of_the_control_database_is_not_shown(
    call_cli: CallCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXPORT_PIPELINE_CONTROL_URL", "postgresql://me:hunter2@127.0.0.1:1/control")

    assert "hunter2" not in call_cli("export", "list").err


def test_every_command_that_is_offered_works_on_the_same_organization(call_cli: CallCli) -> None:
    """Typed as it is printed; without the option it would look among another organization's things."""
    call_cli("organization", "create", "acme")
    acme = ("--organization", "acme")
    began = "2026-01-05T00:00:00Z"

    said = [
        call_cli(*acme, "export", "list").out,
        call_cli(*acme, "task", "list").out,
        call_cli(*acme, "export", "create", "ours", "--table", "events", "--first-hour", began).out,
        call_cli(*acme, "task", "create", "ours", "--from", began, "--to", "2026-01-05T01:00:00Z").out,
    ]
    *_, watch = said[-1].split("export-pipeline ")
    said.append(call_cli(*watch.split(), "--timeout", "0").err)

    offered = [command for text in said for command in re.findall(r"export-pipeline .*", text)]
    assert len(offered) == 5
    assert [one for one in offered if not one.startswith("export-pipeline --organization acme ")] == []
    assert call_cli(*offered[-1].split()[1:], "--timeout", "0").code == 124
