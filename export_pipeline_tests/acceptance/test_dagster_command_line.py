"""Dagster's own command line, used as its documentation says, on the project's own workspace.yaml."""

from export_pipeline.store.database import reading
from export_pipeline.store.exports import find_export
from export_pipeline_tests.acceptance.commands import MODULE, dagster
from export_pipeline_tests.acceptance.conftest import Services, dagster_environ
from export_pipeline_tests.installations import Installation, hours
from export_pipeline_tests.runs import ledger


def test_the_workspace_validates(installation: Installation) -> None:
    installation.export()
    dagster("definitions", "validate", "-w", "workspace.yaml", environ=dagster_environ(installation))


def test_asset_materialize_takes_a_range_and_then_one_hour(installation: Installation) -> None:
    export = installation.export()
    environ = dagster_environ(installation)
    first, last = hours(0, 5)[0].key, hours(0, 5)[-1].key
    select = ("--select", "exports/events", "-m", MODULE)
    dagster("asset", "materialize", *select, "--partition-range", f"{first}...{last}", environ=environ)
    assert [entry.hour for entry in ledger(installation, export)] == [w.start for w in hours(0, 5)]
    dagster("asset", "materialize", *select, "--partition", hours(7, 7)[0].key, environ=environ)
    assert [entry.hour for entry in ledger(installation, export)][-1] == hours(7, 7)[0].start


def test_asset_materialize_can_be_forced(installation: Installation) -> None:
    export = installation.export()
    environ = dagster_environ(installation)
    select = ("--select", "exports/events", "-m", MODULE, "--partition", hours(1, 1)[0].key)
    dagster("asset", "materialize", *select, environ=environ)
    installation.change_source("DELETE FROM events WHERE id = 25")
    forced = '{"resources": {"deployment": {"config": {"force": true}}}}'
    dagster("asset", "materialize", *select, "--config-json", forced, environ=environ)
    assert [entry.revision for entry in ledger(installation, export)] == [2]


def test_job_backfill_queues_a_run_for_each_hour_and_the_daemon_works_them_off(services: Services) -> None:
    installation = services.installation
    dagster(
        "job",
        "backfill",
        "-w",
        str(services.running.workspace),
        "-j",
        "deliver__events",
        "--from",
        hours(0, 2)[0].key,
        "--to",
        hours(0, 2)[-1].key,
        "--noprompt",
        environ=services.environ,
    )
    with reading(installation.deployment.control) as connection:
        export = find_export(connection, "default", "events")
    services.wait(lambda: len(ledger(installation, export)) == 3, "three hours delivered")
    assert len({entry.run_id for entry in ledger(installation, export)}) == 3
