"""Bitmovin's own client, as a customer of ours uses it: another address, and one of our keys."""

from dataclasses import dataclass
from typing import Any

import pytest
from bitmovin_api_sdk import AnalyticsS3RoleBasedOutput, BitmovinApi, BitmovinError

from export_pipeline_tests.api.conftest import Api

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


def a_customer(api: Api) -> Customer:
    organization = api.organization()
    return Customer(organization, api.key(organization), api.url)


@pytest.fixture
def customer(api: Api) -> Customer:
    return a_customer(api)


@pytest.fixture
def other(api: Api) -> Customer:
    return a_customer(api)


def a_role_output(**changes: Any) -> AnalyticsS3RoleBasedOutput:
    return AnalyticsS3RoleBasedOutput(
        **{"name": "Sales, daily", "bucket_name": "acme-exports", "role_arn": ROLE, **changes}
    )


def fields(refused: pytest.ExceptionInfo[BitmovinError]) -> list[str]:
    """The fields that a refusal names."""
    return [detail.field for detail in refused.value.details]
