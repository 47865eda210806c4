"""The audit log from the command line: the latest first, page by page, of one thing if it is named."""

from export_pipeline_tests.cli.conftest import CallCli

EVENTS = ("--table", "events", "--first-hour", "2026-01-05T00:00:00Z")


def test_changes_are_listed_with_who_made_them(call_cli: CallCli) -> None:
    call_cli("export", "create", "events", *EVENTS)
    call_cli("export", "pause", "events")
    call_cli("filter", "create", "small", "amount < 5")

    said, told = (
        call_cli("audit", "list"),
        call_cli("audit", "list", "--subject", "events", "--json").document,
    )

    assert said.code == 0
    assert "filter.create" in said.out
    assert [entry["action"] for entry in told["entries"]] == ["export.pause", "export.create"]
    pause, create = told["entries"]
    assert create["actor_kind"] == "user"
    assert create["before"] is None
    assert (pause["before"]["paused"], pause["after"]["paused"]) == (False, True)
    (line,) = [line for line in said.out.splitlines() if "export.pause" in line]
    assert line.split()[-1] == "paused"
    assert create["actor_name"] in line


def test_a_long_log_is_read_page_by_page(call_cli: CallCli) -> None:
    for number in range(3):
        call_cli("filter", "create", f"small-{number}", f"amount < {number}")

    first = call_cli("audit", "list", "--limit", "2", "--json").document
    rest = call_cli("audit", "list", "--cursor", first["next"], "--json").document

    subjects = [entry["subject"] for entry in (*first["entries"], *rest["entries"])]
    assert subjects[:3] == ["small-2", "small-1", "small-0"]
    assert f"go on with: --cursor {first['next']}" in call_cli("audit", "list", "--limit", "2").out


def test_a_cursor_that_is_none_is_refused(call_cli: CallCli) -> None:
    refused = call_cli("audit", "list", "--cursor", "nonsense")

    assert refused.code == 2
    assert "--cursor" in refused.err
