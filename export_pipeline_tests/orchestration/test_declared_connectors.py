"""A connector that is declared beside the dataset, from its declaration to a delivered hour."""

from contextlib import closing

import dagster as dg
import pytest
import sqlalchemy as sa

from export_pipeline.connectors.lifecycle import ConnectorState
from export_pipeline.deployment import open_deployment
from export_pipeline.exports.export import Export
from export_pipeline.exports.plan import plan_of
from export_pipeline.extract.sources import open_source
from export_pipeline.orchestration.assets import export_job
from export_pipeline.orchestration.names import RANGE_START_TAG
from export_pipeline.orchestration.waiting import waiting_hours
from export_pipeline.settings import Settings
from export_pipeline.store.connector_states import PASSED
from export_pipeline.store.connectors import StoredConnector, find_connector
from export_pipeline.store.database import reading
from export_pipeline.store.schema import FAILURES
from export_pipeline_tests.installations import DECLARATION, ROWS_PER_HOUR, Installation, hours
from export_pipeline_tests.orchestration.running import materializations, run_hours
from export_pipeline_tests.runs import a_run
from export_pipeline_tests.servers.s3 import S3Server


@pytest.fixture
def lake(installation: Installation, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of its bucket. Nobody makes the connector; whoever opens the deployment next knows it."""
    bucket = s3_server.new_bucket()
    (installation.folder / "dataset.toml").write_text(
        f"""{DECLARATION}
[connectors.lake]
type = "s3"
bucket = "{bucket}"
endpoint_url = "{s3_server.endpoint_url}"
access_key_id = "{s3_server.admin.access_key_id}"
secret_access_key = {{env = "LAKE_SECRET"}}
"""
    )
    # As the test's own deployment was opened before.
    open_deployment(installation.deployment.settings).close()
    monkeypatch.setenv("LAKE_SECRET", s3_server.admin.secret_access_key)
    return bucket


def test_an_hour_goes_where_the_declaration_says(
    installation: Installation,
    instance: dg.DagsterInstance,
    lake: str,
    s3_server: S3Server,
) -> None:
    export_through_lake(installation, s3_server)

    result = run_hours(instance, 0, 0)

    assert result.success
    assert [revision for _, revision in materializations(instance)] == [1]
    objects = s3_server.client().list_objects_v2(Bucket=lake)["Contents"]
    (file,) = [found["Key"] for found in objects if found["Key"].endswith(".csv")]
    content = s3_server.client().get_object(Bucket=lake, Key=file)["Body"].read()
    assert content.count(b"\n") == ROWS_PER_HOUR + 1
    assert s3_server.admin.secret_access_key not in everything_told(instance)


@pytest.mark.usefixtures("lake")
def test_without_its_variable_its_hours_fail_and_say_which_one_it_is(
    installation: Installation,
    instance: dg.DagsterInstance,
    s3_server: S3Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    export_through_lake(installation, s3_server)
    monkeypatch.delenv("LAKE_SECRET")

    assert not run_hours(instance, 0, 1).success

    told = failures(installation)
    assert len(told) == 2
    assert all(
        "lake.secret_access_key: the environment variable LAKE_SECRET is not set" in one for one in told
    )


@pytest.mark.usefixtures("lake")
def test_one_that_is_declared_no_more_fails_its_exports_hours_and_says_so(
    installation: Installation, instance: dg.DagsterInstance, s3_server: S3Server
) -> None:
    export_through_lake(installation, s3_server)
    (installation.folder / "dataset.toml").write_text(DECLARATION)

    assert not run_hours(instance, 0, 0).success

    (told,) = failures(installation)
    assert "connector 'lake' is no longer declared beside the dataset" in told


def lake_now(installation: Installation) -> StoredConnector:
    with reading(installation.deployment.control) as connection:
        return find_connector(connection, "default", "lake")


def keys(server: S3Server, bucket: str) -> list[str]:
    """The data files in the bucket."""
    found = server.client().list_objects_v2(Bucket=bucket).get("Contents", [])
    return [one["Key"] for one in found if one["Key"].endswith(".csv")]


def edit(installation: Installation, old: str, new: str) -> None:
    declaration = installation.folder / "dataset.toml"
    declaration.write_text(declaration.read_text().replace(old, new))


def test_it_runs_when_its_check_has_passed_and_waits_until_then(
    installation: Installation, instance: dg.DagsterInstance, lake: str, s3_server: S3Server
) -> None:
    export = export_through_lake(installation, s3_server)
    s3_server.client().delete_bucket(Bucket=lake)
    assert lake_now(installation).state is ConnectorState.STARTING

    assert not run_hours(instance, 0, 1).success

    assert lake_now(installation).state is ConnectorState.STARTING
    assert "there is no such bucket" in lake_now(installation).reason
    assert failures(installation) == []

    s3_server.client().create_bucket(Bucket=lake)
    check(installation)
    assert lake_now(installation).state is ConnectorState.RUNNING
    assert asked_for(instance, export) == [hours(0, 0)[0].key]


def test_an_edit_stops_a_run_on_the_old_place_and_its_hours_go_to_the_new_one(
    installation: Installation, instance: dg.DagsterInstance, lake: str, s3_server: S3Server
) -> None:
    export = export_through_lake(installation, s3_server)
    assert run_hours(instance, 0, 0).success
    other = s3_server.new_bucket()
    at_work = a_run(installation, export)
    deployment = installation.deployment
    with closing(open_source(deployment.source_url)) as source:
        plans = plan_of(export.definition, deployment.dataset)
        formatted = at_work.format(at_work.extract(source, plans, hours(1, 2)))

    edit(installation, lake, other)
    open_deployment(Settings()).close()  # as each tick of a sensor does

    assert lake_now(installation).state is ConnectorState.STARTING
    chunk = at_work.deliver(formatted, lambda _hour: None)
    assert (chunk.done, chunk.failed, chunk.waiting) == ((), (), tuple(hours(1, 2)))

    check(installation)
    assert lake_now(installation).reason == PASSED
    assert asked_for(instance, export) == [hours(1, 1)[0].key]
    assert run_hours(instance, 1, 2).success
    assert len(keys(s3_server, lake)) == 1
    assert len(keys(s3_server, other)) == 2


def check(installation: Installation) -> None:
    """As the run does for which the sensor asks."""
    installation.deployment.check(lake_now(installation))


def asked_for(instance: dg.DagsterInstance, export: Export) -> list[str]:
    """The ranges of waiting hours for which the sensor asks now."""
    tick = waiting_hours({export.id: export_job(export)}).evaluate_tick(
        dg.build_sensor_context(instance=instance)
    )
    return [request.tags[RANGE_START_TAG] for request in tick.run_requests or []]


def export_through_lake(installation: Installation, s3_server: S3Server) -> Export:
    """The deployment's own environment is the one that it was opened with."""
    assert isinstance(installation.deployment.environ, dict)
    installation.deployment.environ["LAKE_SECRET"] = s3_server.admin.secret_access_key
    return installation.export(connector="lake")


def failures(installation: Installation) -> list[str]:
    """What the ledger says of hours that failed."""
    with reading(installation.deployment.control) as connection:
        return [*connection.scalars(sa.select(FAILURES.c.message).where(FAILURES.c.kind == "configure"))]


def everything_told(instance: dg.DagsterInstance) -> str:
    """All events of all runs, and the runs themselves, as they are stored."""
    runs = instance.get_runs()
    told = [dg.serialize_value(run) for run in runs]
    told += [dg.serialize_value(record) for run in runs for record in instance.all_logs(run.run_id)]
    return "\n".join(told)
