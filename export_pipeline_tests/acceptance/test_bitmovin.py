"""A customer's day with Bitmovin's own client: from an output to files in the bucket, by a real daemon."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest
from bitmovin_api_sdk import (
    AnalyticsExportFileFormat,
    AnalyticsExportStatus,
    AnalyticsExportTaskOutputTarget,
    AnalyticsExportType,
    AnalyticsS3RoleBasedOutput,
    BitmovinError,
    ExternalIdMode,
)

from export_pipeline.control.keys import create_key
from export_pipeline.control.organizations import create_organization
from export_pipeline.control.tenants import give_tenant
from export_pipeline.processes.dagster import Instance, free_port
from export_pipeline.store.database import writing
from export_pipeline_tests.acceptance.conftest import Services, dagster_environ
from export_pipeline_tests.api.bitmovin.conftest import Customer, a_role_output, a_task, fields
from export_pipeline_tests.api.bitmovin.roles import Account, an_account
from export_pipeline_tests.api.bitmovin.viewing import ACME, SESSIONS_PER_HOUR, viewing
from export_pipeline_tests.api.conftest import serving
from export_pipeline_tests.installations import FIRST, Installation
from export_pipeline_tests.servers.s3 import S3Server

FINISHED, ERROR = AnalyticsExportStatus.FINISHED, AnalyticsExportStatus.ERROR
ENDED = (FINISHED, ERROR)


class OutputThere(AnalyticsS3RoleBasedOutput):  # type: ignore[misc]  # the client has no types
    """An output on a store that is not Amazon's: the client has no field for its address."""

    endpoint_url = ""

    def to_dict(self) -> dict[str, Any]:
        return {**super().to_dict(), "endpointUrl": self.endpoint_url}


@dataclass(frozen=True)
class Day:
    """The customer, its account at the store, and our services."""

    customer: Customer
    account: Account
    services: Services
    bucket: str

    def an_output(self, **changes: Any) -> str:
        """The id of an output to the bucket, in the account's role."""
        asked = a_role_output(bucket_name=self.bucket, role_arn=self.account.role_arn)
        there = OutputThere(**{name[1:]: value for name, value in vars(asked).items() if _given(name, value)})
        there.endpoint_url = self.account.server.endpoint_url
        for name, value in changes.items():
            setattr(there, name, value)
        made: str = self.customer.outputs.s3_role_based.create(there).id
        return made

    def output(self, id_: str) -> dict[str, Any]:
        """The output with what is ours in it: its state, and why."""
        address = f"{self.customer.url}/v1/analytics/outputs/s3-role-based/{id_}"
        shown = httpx.get(address, headers={"X-Api-Key": self.customer.key}, timeout=60)
        result: dict[str, Any] = shown.json()["data"]["result"]
        return result

    def ended(self, id_: str) -> Any:
        """The task, when it has ended."""
        self.services.wait(lambda: self.customer.exports.get(id_).status in ENDED, "the task ended")
        return self.customer.exports.get(id_)

    def files(self, folder: str) -> list[str]:
        client = self.account.server.client()
        listed = client.list_objects_v2(Bucket=self.bucket, Prefix=folder).get("Contents", [])
        return [stored["Key"] for stored in listed if "/_receipts/" not in stored["Key"]]

    def content(self, key: str) -> bytes:
        read: bytes = self.account.server.client().get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return read


def _given(name: str, value: object) -> bool:
    return value not in (None, []) and name not in ("discriminator", "_type")


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with viewing(tmp_path / "home") as made:
        yield made


@pytest.fixture
def day(installation: Installation, tmp_path: Path, moto_server: S3Server) -> Iterator[Day]:
    account = an_account(moto_server)
    with writing(installation.deployment.control) as connection:
        create_organization(connection, installation.deployment.secret_key, "acme")
        give_tenant(connection, "acme", ACME)
        key = create_key(connection, organization="acme", privileges=["admin"], name="bi").text
    environ = {**dagster_environ(installation), **account.environ}
    instance = Instance(home=installation.folder / "dagster", environ=environ)
    with (
        serving(installation, tmp_path / "api.log", **account.environ) as url,
        instance.webserver(free_port()) as (webserver, running),
    ):
        running.start_daemon()
        services = Services(installation, webserver, running, environ)
        yield Day(Customer("acme", key, url), account, services, moto_server.new_bucket())


def test_a_customer_exports_its_sessions_and_ads_into_its_own_bucket(day: Day) -> None:
    """The role trusts us for anybody at first; its owner adds the external id that the output tells."""
    customer = day.customer
    output = day.an_output(external_id_mode=ExternalIdMode.GENERATED)
    day.services.wait(lambda: day.output(output)["state"] == "FAILED", "the output was refused")
    assert "also for somebody else" in day.output(output)["reason"]

    day.account.trust(customer.outputs.s3_role_based.get(output).external_id)
    sessions = customer.exports.create(a_task(output))
    assert sessions.status is AnalyticsExportStatus.QUEUED

    done = day.ended(sessions.id)
    assert (done.status, done.progress) == (FINISHED, 100), day.output(output)
    assert done.started_at <= done.finished_at
    assert day.output(output)["state"] == "RUNNING"
    keys = [f"path/to/2026-01-05-{hour:02}-00.csv" for hour in range(3)]
    assert day.files("path/to/") == keys
    for key in keys:
        header, *rows = csv.reader(io.StringIO(day.content(key).decode()))
        assert header == ["impression_id", "license_key", "time", "played", "country"]
        assert len(rows) == SESSIONS_PER_HOUR
        assert {row[1] for row in rows} == {ACME}

    ads = customer.exports.create(
        a_task(
            output,
            type_=AnalyticsExportType.ADS,
            columns=["CLICK_POSITION", "AD_IMPRESSION_ID"],
            file_format=AnalyticsExportFileFormat.PARQUET,
            output=AnalyticsExportTaskOutputTarget(output_path="ads", output_id=output),
            start_time=FIRST + timedelta(minutes=30),
            end_time=FIRST + timedelta(minutes=90),
        )
    )
    assert day.ended(ads.id).status is FINISHED
    assert day.files("ads") == ["ads/2026-01-05-00-00.parquet", "ads/2026-01-05-01-00.parquet"]
    table = pq.read_table(io.BytesIO(day.content("ads/2026-01-05-00-00.parquet")))
    assert table.column_names == ["click_position", "ad_impression_id"]
    # The first of them is shown at 00:32: rows are cut at the half hour.
    assert table["click_position"].to_pylist()[0] == 4000
    assert {task.id for task in customer.exports.list().items} == {sessions.id, ads.id}

    assert customer.outputs.s3_role_based.delete(output).id == output
    assert customer.exports.get(sessions.id).status is FINISHED
    with pytest.raises(BitmovinError) as refused:
        customer.exports.create(a_task(output))
    assert fields(refused) == ["output.outputId"]


def test_a_task_to_a_bucket_that_is_not_there_ends_in_an_error_that_says_so(day: Day) -> None:
    customer = day.customer
    output = day.an_output(bucket_name="nobody-made-this")
    day.account.trust(customer.outputs.s3_role_based.get(output).external_id)

    task = customer.exports.create(a_task(output))

    assert day.ended(task.id).status is ERROR
    address = f"{customer.url}/v1/analytics/exports/{task.id}"
    shown = httpx.get(address, headers={"X-Api-Key": customer.key}, timeout=60).json()["data"]["result"]
    assert "there is no such bucket" in shown["reason"]
    assert shown["progress"] == 0
