"""A connector that is declared beside the dataset, from its declaration to a delivered hour."""

import dagster as dg
import pytest
import sqlalchemy as sa

from export_pipeline.deployment import open_deployment
from export_pipeline.store.database import reading
from export_pipeline.store.schema import FAILURES
from export_pipeline_tests.installations import DECLARATION, ROWS_PER_HOUR, Installation
from export_pipeline_tests.orchestration.running import materializations, run_hours
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


def export_through_lake(installation: Installation, s3_server: S3Server) -> None:
    """The deployment's own environment is the one that it was opened with."""
    assert isinstance(installation.deployment.environ, dict)
    installation.deployment.environ["LAKE_SECRET"] = s3_server.admin.secret_access_key
    installation.export(connector="lake")


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
