"""Exports from the command line: listed, shown with coverage, deleted."""

from export_pipeline.connectors.lifecycle import ConnectorState
from export_pipeline_tests.cli.conftest import CallCli
from export_pipeline_tests.cli.deliveries import deliver, fail, move
from export_pipeline_tests.expiries import expire_export
from export_pipeline_tests.installations import FIRST, ROWS_PER_HOUR, Installation, hours

FIRST_HOUR = ("--first-hour", "2026-01-05T00:00:00Z")
EVENTS = ("--table", "events", *FIRST_HOUR)


def test_filters_are_shown_as_they_were_written(call_cli: CallCli) -> None:
    call_cli("filter", "create", "CHEAP", "amount < 1")
    filters = ("--filter", "$CHEAP", "--filter", "id!=5", "--table-filter", "events=kind != null")
    call_cli("export", "create", "events", *EVENTS, *filters)
    call_cli("export", "create", "all", *EVENTS, "--subdirectory", "all")

    lines = [" ".join(line.split()) for line in call_cli("export", "show", "events").out.splitlines()]

    assert [line for line in lines if line.startswith("filter")] == [
        "filter of events kind != null",
        "filter $CHEAP",
        "filter id!=5",
    ]
    assert "all rows" in call_cli("export", "show", "all").out


def test_an_export_made_for_tasks_has_no_asset(call_cli: CallCli) -> None:
    result = call_cli("export", "create", "events", *EVENTS, "--once", "--json")

    made = result.document
    assert (made["standing"], made["asset_key"], made["next_hour"]) == (False, None, None)


def test_no_exports_is_a_hint(call_cli: CallCli) -> None:
    assert "export-pipeline export create" in call_cli("export", "list").out


def test_exports_are_listed(call_cli: CallCli, installation: Installation) -> None:
    installation.export("events-a")
    installation.export("events-b", standing=False)

    lines = call_cli("export", "list").out.splitlines()

    assert [line.split()[0] for line in lines if "events-" in line] == ["events-a", "events-b"]


def test_exports_of_requests_are_listed_when_they_are_asked_for(
    call_cli: CallCli, installation: Installation
) -> None:
    installation.export("events-a")
    installation.request()

    named = call_cli("export", "list", "--json").document["exports"]
    every = call_cli("export", "list", "--requests", "--json").document["exports"]

    assert [export["name"] for export in named] == ["events-a"]
    assert [export["generated"] for export in every] == [False, True]


def test_coverage_is_counted(call_cli: CallCli, installation: Installation) -> None:
    export = installation.export()
    deliver(installation, export, hours(0, 2))
    fail(installation, export, hours(4, 4))

    coverage = call_cli("export", "show", "events", "--json").document["coverage"]

    failures = coverage.pop("failures")
    assert coverage.pop("bytes") > 0
    assert (coverage.pop("waiting"), coverage.pop("waits_for")) == ([], None)
    assert coverage == {
        "hours": 3,
        "rows": 3 * ROWS_PER_HOUR,
        "first_hour": "2026-01-05T00:00:00Z",
        "last_hour": "2026-01-05T02:00:00Z",
        "expired_hours": 0,
    }
    assert [(failure["hour"], failure["kind"]) for failure in failures] == [
        ("2026-01-05T04:00:00Z", "configure")
    ]


def test_people_see_coverage_and_failures_too(call_cli: CallCli, installation: Installation) -> None:
    export = installation.export()
    fail(installation, export, hours(4, 4))

    shown = call_cli("export", "show", "events").out

    assert "first hour" in shown
    assert "2026-01-05T04:00:00Z  upload: not allowed to write: check the connector's credentials" in shown


def test_a_deleted_export_leaves_what_it_delivered(call_cli: CallCli, installation: Installation) -> None:
    export = installation.export()
    deliver(installation, export, hours(0, 0))

    result = call_cli("export", "delete", "events", "--yes", "--json")

    assert result.document == {"name": "events", "id": export.id}
    assert (installation.downloads / "events" / f"{FIRST:%Y-%m-%d-%H-%M}.csv").exists()


def test_an_export_that_is_not_there_is_not_asked_about(call_cli: CallCli) -> None:
    assert call_cli("export", "delete", "events").err.startswith("error: there is no export 'events'")


def test_a_tenant_that_no_table_knows_of_is_refused(call_cli: CallCli) -> None:
    result = call_cli("export", "create", "events", *EVENTS, "--tenant=acme", "--json")

    assert (result.code, result.error["field"]) == (2, "tenant")


def test_hours_that_wait_are_shown_with_what_they_wait_for(
    call_cli: CallCli, installation: Installation
) -> None:
    export = installation.export()
    assert "wait" not in call_cli("export", "show", "events").out
    move(installation, export, ConnectorState.STOPPED, "So be it.")
    reason = "connector 'direct_download', which is STOPPED: So be it."
    assert f"hours wait for {reason}" in call_cli("export", "show", "events").out
    deliver(installation, export, hours(2, 3))

    shown = call_cli("export", "show", "events").out
    assert f"2 hours wait, from 2026-01-05T02:00:00Z on, for {reason}" in shown
    coverage = call_cli("export", "show", "events", "--json").document["coverage"]
    assert [wait["hour"] for wait in coverage["waiting"]] == ["2026-01-05T02:00:00Z", "2026-01-05T03:00:00Z"]
    assert coverage["waits_for"] == reason
    assert f"events: hours wait for {reason}" in call_cli("export", "list").out
    (listed,) = call_cli("export", "list", "--json").document["exports"]
    assert (listed["waiting_hours"], listed["waits_for"]) == (2, reason)

    move(installation, export, ConnectorState.RUNNING, "It is back.")
    assert (
        "the connector is RUNNING again, and they are delivered now"
        in call_cli("export", "show", "events").out
    )


def test_it_is_told_how_many_hours_have_expired(call_cli: CallCli, installation: Installation) -> None:
    export = installation.export()
    deliver(installation, export, hours(0, 2))
    expire_export(installation, export)
    deliver(installation, export, hours(0, 0))

    coverage = call_cli("export", "show", "events", "--json").document["coverage"]

    assert (coverage["hours"], coverage["expired_hours"]) == (3, 2)
    told = "files of 2 of the hours have expired; request those anew\n"
    assert told in call_cli("export", "show", "events").out
