"""Runs whose connector stops running under them: hours wait, they do not fail one by one."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from export_pipeline.connectors.lifecycle import ConnectorState
from export_pipeline.connectors.secret import reveal
from export_pipeline.control.connectors import replace_connector, start_connector, stop_connector
from export_pipeline.deployment import open_deployment
from export_pipeline.exports.export import Export
from export_pipeline.exports.plan import plan_of
from export_pipeline.extract.sources import open_source
from export_pipeline.pipeline.chunk import Chunk
from export_pipeline.pipeline.hours import DeliveredHour
from export_pipeline.pipeline.run import Run
from export_pipeline.settings import Settings
from export_pipeline.store.connector_states import settle_stopping
from export_pipeline.store.connectors import connector_config, replace_config
from export_pipeline.store.database import reading, writing
from export_pipeline.store.ledger import failures_between
from export_pipeline.store.waits import waits_of
from export_pipeline.windows import ONE_HOUR, HourWindow
from export_pipeline_tests.buckets import CONNECTOR, Switch, check, connector, export_through, remove
from export_pipeline_tests.installations import FIRST, HOURS, Installation, hours
from export_pipeline_tests.runs import a_run, deliver, ledger
from export_pipeline_tests.servers.fault_proxy import Fault, Instead, Once, Request, fault_proxy
from export_pipeline_tests.servers.s3 import S3Server

SIX = hours(0, 5)


@pytest.fixture(params=["sqlite", "postgresql"])
def on_each_database(request: pytest.FixtureRequest, installation: Installation) -> Iterator[Installation]:
    """The installation, with its control database on each kind."""
    if request.param == "sqlite":
        yield installation
        return
    url = request.getfixturevalue("postgres_database").replace("postgresql+psycopg", "postgresql")
    settings = Settings(home=installation.folder, control_url=url, claim_seconds=5)
    with closing(open_deployment(settings, installation.deployment.environ)) as deployment:
        yield Installation(installation.folder, deployment)


@contextmanager
def formatted(installation: Installation, run: Run) -> Iterator[Chunk]:  # type: ignore[type-arg]
    """Six hours up to the last stage."""
    deployment = installation.deployment
    with closing(open_source(deployment.source_url, deployment.statement_limit)) as source:
        plans = plan_of(run.export.definition, deployment.dataset)
        yield run.format(run.extract(source, plans, SIX))


def deliver_and(
    installation: Installation, run: Run, happens: Callable[[], object], after: int
) -> Chunk[DeliveredHour]:
    """The six hours, one by one; something happens as soon as so many of them are delivered."""
    one_by_one = replace(run, hours_at_once=1)
    told: list[HourWindow] = []

    def on_delivered(hour: DeliveredHour) -> None:
        told.append(hour.window)
        if len(told) == after:
            happens()

    with formatted(installation, one_by_one) as chunk:
        return one_by_one.deliver(chunk, on_delivered)


def waiting(installation: Installation, export: Export) -> list[datetime]:
    with reading(installation.deployment.control) as connection:
        return [wait.hour for wait in waits_of(connection, export.id)]


def failures(installation: Installation, export: Export) -> int:
    with reading(installation.deployment.control) as connection:
        return len(failures_between(connection, export.id, FIRST, FIRST + HOURS * ONE_HOUR))


def test_when_the_bucket_goes_what_is_delivered_stays_and_the_rest_waits_without_a_failure(
    on_each_database: Installation, s3_server: S3Server
) -> None:
    bucket = s3_server.new_bucket()
    broken = Once(Fault.RESET, lambda request: request.path.endswith("/events/2026-01-05-02-00.csv"))

    def plan(request: Request) -> Fault | Instead | None:
        if fault := broken(request):
            remove(s3_server, bucket)
        return fault

    with fault_proxy(s3_server.port, plan) as proxy:
        export = export_through(on_each_database, s3_server.config(bucket, endpoint_url=proxy.url))
        run = replace(a_run(on_each_database, export), hours_at_once=1)
        with formatted(on_each_database, run) as staged:
            chunk = run.deliver(staged, lambda _hour: None)

    assert [hour.window for hour in chunk.done] == hours(0, 1)
    assert (chunk.failed, chunk.waiting) == ((), tuple(hours(2, 5)))
    assert failures(on_each_database, export) == 0
    assert waiting(on_each_database, export) == [window.start for window in hours(2, 5)]
    assert connector(on_each_database).state is ConnectorState.FAILED
    left = run.staging.root / run.run_id
    assert not [path for path in left.rglob("*") if path.is_file()]


def test_what_waits_is_delivered_when_the_bucket_is_there_again(
    on_each_database: Installation, s3_server: S3Server
) -> None:
    bucket = s3_server.new_bucket()
    export = export_through(on_each_database, s3_server.config(bucket))
    remove(s3_server, bucket)
    first = deliver(on_each_database, export, SIX)
    assert (first.done, first.failed, first.waiting) == ((), (), tuple(SIX))

    s3_server.client().create_bucket(Bucket=bucket)
    with writing(on_each_database.deployment.control) as connection:
        stop_connector(connection, "default", CONNECTOR)
        start_connector(connection, "default", CONNECTOR)
    assert deliver(on_each_database, export, SIX).waiting == tuple(SIX)  # not checked yet
    check(on_each_database)

    assert [hour.window for hour in deliver(on_each_database, export, SIX).done] == SIX
    assert waiting(on_each_database, export) == []


def test_a_store_that_does_not_answer_is_given_its_time_and_then_waited_for(
    installation: Installation, s3_server: S3Server
) -> None:
    """The hours in flight are tried for as long as ever; those after them are not."""
    switch = Switch()
    with fault_proxy(s3_server.port, switch) as proxy:
        config = s3_server.config(s3_server.new_bucket(), endpoint_url=proxy.url)
        export = export_through(installation, config)
        switch.on = False
        chunk = deliver(installation, export, SIX)
        assert (chunk.done, chunk.failed, chunk.waiting) == ((), (), tuple(SIX))
        assert connector(installation).state is ConnectorState.STARTING  # it may be back by itself
        switch.on = True
        check(installation)
        assert len(deliver(installation, export, SIX).done) == len(SIX)
    assert failures(installation, export) == 0


def test_an_hour_that_is_itself_at_fault_fails_and_its_connector_runs_on(
    installation: Installation, s3_server: S3Server
) -> None:
    bucket = s3_server.new_bucket()
    export = export_through(installation, s3_server.config(bucket))
    s3_server.client().put_object(Bucket=bucket, Key="events/2026-01-05-01-00.csv", Body=b"somebody else's")
    chunk = deliver(installation, export, SIX)
    assert [failure.hour for failure in chunk.failed] == [SIX[1].start]
    assert (len(chunk.done), chunk.waiting) == (5, ())
    assert connector(installation).state is ConnectorState.RUNNING


def test_stopped_in_the_middle_what_is_in_flight_ends_and_nothing_begins(
    on_each_database: Installation, s3_server: S3Server
) -> None:
    export = export_through(on_each_database, s3_server.config(s3_server.new_bucket()))
    control = on_each_database.deployment.control

    def stop() -> None:
        with writing(control) as connection:
            assert stop_connector(connection, "default", CONNECTOR).state is ConnectorState.STOPPING
            assert not settle_stopping(connection, datetime.now(UTC))
        other = deliver(on_each_database, export, hours(6, 8))
        assert (other.done, other.waiting) == ((), tuple(hours(6, 8)))

    chunk = deliver_and(on_each_database, a_run(on_each_database, export), stop, 1)

    assert [hour.window for hour in chunk.done] == SIX
    with writing(control) as connection:
        (stopped,) = settle_stopping(connection, datetime.now(UTC))
    assert stopped.state is ConnectorState.STOPPED
    assert waiting(on_each_database, export) == [window.start for window in hours(6, 8)]


def test_what_is_wanted_again_by_force_is_delivered_again_after_its_wait(
    installation: Installation, s3_server: S3Server
) -> None:
    bucket = s3_server.new_bucket()
    export = export_through(installation, s3_server.config(bucket))
    deliver(installation, export, SIX)
    with writing(installation.deployment.control) as connection:
        stop_connector(connection, "default", CONNECTOR)
    asked = datetime.now(UTC)
    assert deliver(installation, export, SIX, proven_since=asked).waiting == tuple(SIX)
    with writing(installation.deployment.control) as connection:
        start_connector(connection, "default", CONNECTOR)
    check(installation)

    assert deliver(installation, export, SIX).found == tuple(SIX)  # not by force: it leaves the waits alone
    with reading(installation.deployment.control) as connection:
        waits = waits_of(connection, export.id)
    assert [wait.proven_since for wait in waits] == [asked] * len(SIX)
    assert len(deliver(installation, export, SIX, proven_since=waits[0].proven_since).done) == len(SIX)
    assert all(entry.proven_at >= asked for entry in ledger(installation, export))
    assert waiting(installation, export) == []


def test_another_configuration_is_used_as_soon_as_it_is_checked(
    installation: Installation, s3_server: S3Server
) -> None:
    """Not that of the run, which was at work when it was found wanting."""
    bucket = s3_server.new_bucket()
    export = export_through(installation, s3_server.config(bucket, user=s3_server.admin))
    deployment = installation.deployment
    with writing(deployment.control) as connection:
        right = connector_config(connection, deployment.secret_key, export.connector_id)
        wrong = s3_server.config(bucket, user=s3_server.reader)
        replace_config(connection, deployment.secret_key, export.connector_id, wrong)
    assert deliver(installation, export, SIX).waiting == tuple(SIX)
    with writing(deployment.control) as connection:
        replace_config(connection, deployment.secret_key, export.connector_id, right)
        stop_connector(connection, "default", CONNECTOR)
        start_connector(connection, "default", CONNECTOR)
    check(installation)
    assert len(deliver(installation, export, SIX).done) == len(SIX)


def test_a_replaced_connector_is_not_written_to_where_it_led_before(
    on_each_database: Installation, s3_server: S3Server
) -> None:
    """In the middle of an upload, and checked at once: what had ended counts, the rest goes elsewhere."""
    installation, old, new = on_each_database, s3_server.new_bucket(), s3_server.new_bucket()
    client = s3_server.client()
    replaced: list[str] = []

    def replacing(request: Request) -> None:
        if request.method == "PUT" and request.path.endswith("/2026-01-05-02-00.csv") and not replaced:
            replaced.append(request.path)
            with writing(installation.deployment.control) as connection:
                key = installation.deployment.secret_key
                config = json.loads(reveal(s3_server.config(new)))
                replace_connector(
                    connection, key, organization="default", name=CONNECTOR, config=config, by_operator=True
                )
            check(installation)

    def files_in(bucket: str) -> list[str]:
        found = client.list_objects_v2(Bucket=bucket).get("Contents", [])
        return [one["Key"][-20:-4] for one in found if one["Key"].endswith(".csv")]

    with fault_proxy(s3_server.port, replacing) as proxy:
        export = export_through(installation, s3_server.config(old, endpoint_url=proxy.url))
        run = replace(a_run(installation, export), hours_at_once=1)
        with formatted(installation, run) as chunk:
            done = run.deliver(chunk, lambda _hour: None)

    assert replaced
    assert connector(installation).state is ConnectorState.RUNNING
    assert [hour.window for hour in done.done] == SIX[:2]
    assert (list(done.waiting), done.failed) == (SIX[2:], ())
    assert [entry.hour for entry in ledger(installation, export)] == [window.start for window in SIX[:2]]
    assert waiting(installation, export) == [window.start for window in SIX[2:]]
    assert (
        files_in(old)[3:] == []
    )  # the one that was being sent came to its end there, and counts for nothing

    again = deliver(installation, export, SIX)

    assert list(again.found) == SIX[:2]
    assert [hour.window for hour in again.done] == SIX[2:]
    assert files_in(new) == [window.key.replace(":", "-") for window in SIX[2:]]
    assert waiting(installation, export) == []
