"""Bitmovin's own client, as a customer of ours uses it: another address, and one of our keys."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from bitmovin_api_sdk import (
    AnalyticsExportTask,
    AnalyticsExportTaskOutputTarget,
    AnalyticsS3RoleBasedOutput,
    BitmovinApi,
    BitmovinError,
)

from export_pipeline.store.database import writing
from export_pipeline.store.organizations import list_organizations
from export_pipeline.store.tenants import give, take
from export_pipeline_tests.api.bitmovin.viewing import ACME, viewing
from export_pipeline_tests.api.conftest import Api, serving
from export_pipeline_tests.installations import FIRST

ROLE = "arn:aws:iam::123456789012:role/exports"


@dataclass(frozen=True)
class Customer:
    """An organization and its client; `key` may do everything in it."""

    organization: str
    key: str
    url: str

    @property
    def outputs(self) -> Any:
        return self.api.analytics.outputs

    @property
    def exports(self) -> Any:
        return self.api.analytics.exports

    @property
    def api(self) -> Any:
        return BitmovinApi(api_key=self.key, base_url=f"{self.url}/v1")

    def in_organization(self, name: str) -> Any:
        """The client, for another organization that the key is for."""
        return BitmovinApi(api_key=self.key, tenant_org_id=name, base_url=f"{self.url}/v1")


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """The API on sessions and ads."""
    folder = tmp_path_factory.mktemp("bitmovin")
    with viewing(folder / "home") as installation, serving(installation, folder / "log") as url:
        yield Api(url, installation, folder / "log")


def a_customer(api: Api) -> Customer:
    organization = api.organization()
    return Customer(organization, api.key(organization), api.url)


def licensed(api: Api, customer: Customer) -> Customer:
    """The customer, whose acme's license is now, whoever had it before."""
    with writing(api.installation.deployment.control) as connection:
        for organization in list_organizations(connection):
            take(connection, organization, ACME)
        give(connection, customer.organization, ACME)
    return customer


@pytest.fixture
def customer(api: Api) -> Customer:
    return licensed(api, a_customer(api))


@pytest.fixture
def other(api: Api) -> Customer:
    return a_customer(api)


def a_role_output(**changes: Any) -> AnalyticsS3RoleBasedOutput:
    return AnalyticsS3RoleBasedOutput(
        **{"name": "Sales, daily", "bucket_name": "acme-exports", "role_arn": ROLE, **changes}
    )


def a_task(output_id: str | None, **changes: Any) -> AnalyticsExportTask:
    """The first three hours of the sessions of acme's license."""
    given = {
        "name": "Your first Analytics Export Task",
        "start_time": FIRST,
        "end_time": FIRST + timedelta(hours=3),
        "license_key": ACME,
        "output": AnalyticsExportTaskOutputTarget(output_path="path/to/", output_id=output_id),
        **changes,
    }
    return AnalyticsExportTask(**given)


def fields(refused: pytest.ExceptionInfo[BitmovinError]) -> list[str]:
    """The fields that a refusal names."""
    return [detail.field for detail in refused.value.details]
