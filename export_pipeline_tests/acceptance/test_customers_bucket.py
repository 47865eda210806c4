"""From a connector to files in a customer's own bucket; control database on SQLite and on PostgreSQL."""

import gzip
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from export_pipeline.connectors.lifecycle import ConnectorState
from export_pipeline.connectors.s3 import S3Config
from export_pipeline.deployment import open_deployment
from export_pipeline.exports.export import Export
from export_pipeline.receipts.verifying import verify
from export_pipeline.settings import Settings
from export_pipeline.store.connectors import replace_config
from export_pipeline.store.database import writing
from export_pipeline_tests.acceptance.conftest import dagster_environ
from export_pipeline_tests.buckets import CONNECTOR, connector, connector_to
from export_pipeline_tests.installations import ROWS_PER_HOUR, Installation, hours
from export_pipeline_tests.runs import deliver, ledger
from export_pipeline_tests.servers.s3 import S3Server


@pytest.fixture(params=["sqlite", "postgresql"])
def on_each_database(request: pytest.FixtureRequest, installation: Installation) -> Iterator[Installation]:
    """The installation, with its control database on each kind."""
    if request.param == "sqlite":
        yield installation
        return
    url = request.getfixturevalue("postgres_database").replace("postgresql+psycopg", "postgresql")
    settings = Settings(home=installation.folder, control_url=url, claim_seconds=5)
    deployment = open_deployment(settings, installation.deployment.environ)
    yield Installation(installation.folder, deployment)
    deployment.close()


@pytest.fixture
def bucket(s3_server: S3Server) -> S3Config:
    return s3_server.config(s3_server.new_bucket(), prefix="acme")


def export_to(bucket: S3Config, installation: Installation) -> Export:
    """A connector with its credentials stored and checked, and an export through it."""
    connector_to(installation, bucket)
    return installation.export(
        connector=CONNECTOR,
        tables=[{"name": "events", "columns": ["id", "amount"]}],
        format="csv.gz",
        subdirectory="$export/$date",
        until=None,
    )


def test_files_and_receipts_arrive_in_the_customers_bucket(
    on_each_database: Installation, bucket: S3Config
) -> None:
    export = export_to(bucket, on_each_database)
    chunk = deliver(on_each_database, export, hours(0, 4))
    assert not chunk.failed
    destination = bucket.open()
    keys = {stored.key for stored in destination.list("")}
    assert keys == {f"events/2026-01-05/2026-01-05-{hour:02}-00.csv.gz" for hour in range(5)} | {
        f"events/_receipts/events/2026-01-05-{hour:02}-00.json" for hour in range(5)
    }
    text = gzip.decompress(b"".join(destination.get("events/2026-01-05/2026-01-05-01-00.csv.gz"))).decode()
    assert len(text.splitlines()) == 1 + ROWS_PER_HOUR
    for entry in ledger(on_each_database, export):
        assert verify(destination, entry.receipt_key).ok


def test_credentials_stand_nowhere_in_what_an_installation_keeps(
    installation: Installation, bucket: S3Config
) -> None:
    """A whole run by Dagster itself: its database, its logs, its events, and ours."""
    export_to(bucket, installation)
    assert bucket.secret_access_key is not None
    secret = bucket.secret_access_key.get_secret_value()
    ran = subprocess.run(
        [
            Path(sys.executable).with_name("dagster"),
            *("asset", "materialize", "-m", "export_pipeline.orchestration.definitions"),
            *("--select", "exports/events", "--partition-range", "2026-01-05-00:00...2026-01-05-02:00"),
        ],
        env={
            **os.environ,
            **dagster_environ(installation),
            "EXPORT_PIPELINE_ALLOWED_NETWORKS": "127.0.0.0/8",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    assert ran.returncode == 0, ran.stderr
    assert len(list(bucket.open().list("events/2026-01-05"))) == 3
    assert secret not in ran.stdout + ran.stderr
    kept = [path for path in installation.folder.rglob("*") if path.is_file()]
    assert len(kept) > 10
    assert [str(path) for path in kept if secret.encode() in path.read_bytes()] == []


def test_wrong_credentials_are_told_with_their_cure_and_no_hour_is_half_there(
    installation: Installation, bucket: S3Config
) -> None:
    """They were right when the connector was checked; the hours wait."""
    export = export_to(bucket, installation)
    deployment = installation.deployment
    wrong = S3Config(**{**bucket.model_dump(exclude_none=True), "secret_access_key": "not the secret"})
    with writing(deployment.control) as connection:
        replace_config(connection, deployment.secret_key, export.connector_id, wrong)
    chunk = deliver(installation, export, hours(0, 1))
    assert (chunk.failed, chunk.waiting) == ((), tuple(hours(0, 1)))
    refused = connector(installation)
    assert refused.state is ConnectorState.FAILED
    assert "check the connector's credentials" in refused.reason
    assert list(bucket.open().list("")) == []
