"""The life of outputs of every kind, with Bitmovin's own client; no store is asked anything here."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from bitmovin_api_sdk import (
    AnalyticsAzureOutput,
    AnalyticsAzureOutputListQueryParams,
    AnalyticsGcsServiceAccountOutput,
    AnalyticsS3RoleBasedOutputListQueryParams,
    AwsCloudRegion,
    BitmovinError,
    ExternalIdMode,
    GoogleCloudRegion,
)

from export_pipeline.store.connectors import list_connectors
from export_pipeline.store.database import reading
from export_pipeline_tests.api.bitmovin.conftest import Customer, a_role_output, fields
from export_pipeline_tests.api.conftest import Api

ACCOUNT_KEY = base64.b64encode(b"never-told-anybody").decode()
CREDENTIALS = json.dumps(
    {
        "type": "service_account",
        "client_email": "exports@acme.iam.gserviceaccount.com",
        "private_key": "never-told-anybody",
        "token_uri": "https://oauth2.googleapis.com/token",
    }
)
MADE: Mapping[str, Any] = {
    "s3_role_based": a_role_output(),
    "gcs_service_account": AnalyticsGcsServiceAccountOutput(
        name="Sales, daily",
        bucket_name="acme-exports",
        service_account_credentials=CREDENTIALS,
        cloud_region=GoogleCloudRegion.EUROPE_WEST_1,
    ),
    "azure": AnalyticsAzureOutput(
        name="Sales, daily", account_name="acme", account_key=ACCOUNT_KEY, container="exports"
    ),
}


def connectors(api: Api, customer: Customer) -> list[str]:
    """The names of what the customer has stored, but what is always there."""
    with reading(api.installation.deployment.control) as connection:
        stored = list_connectors(connection, customer.organization)
    return [one.name for one in stored if not one.always_there]


@pytest.mark.parametrize("kind", MADE)
def test_an_output_is_made_shown_listed_and_deleted(api: Api, customer: Customer, kind: str) -> None:
    routes = getattr(customer.outputs, kind)
    asked = MADE[kind]
    asked.description = "für alle"
    asked.custom_data = {"cost": {"centre": 7}}

    made = routes.create(asked)

    assert made.id
    assert (made.name, made.description) == ("Sales, daily", "für alle")
    shown = routes.get(made.id)
    assert shown.id == made.id
    assert shown.name == "Sales, daily"
    assert [(one.id, one.name) for one in routes.list().items] == [(made.id, "Sales, daily")]
    kept = routes.customdata.get(made.id)
    assert kept.custom_data == {"cost": {"centre": 7}}
    assert kept.created_at == made.created_at
    assert routes.delete(made.id).id == made.id
    assert connectors(api, customer) == []
    with pytest.raises(BitmovinError) as gone:
        routes.get(made.id)
    assert gone.value.http_status_code == 404


def test_each_kind_shows_what_is_its_own(customer: Customer) -> None:
    role = customer.outputs.s3_role_based.create(a_role_output(cloud_region=AwsCloudRegion.EU_CENTRAL_1))
    google = customer.outputs.gcs_service_account.create(MADE["gcs_service_account"])
    azure = customer.outputs.azure.create(MADE["azure"])

    assert (role.bucket_name, role.role_arn) == ("acme-exports", a_role_output().role_arn)
    assert role.cloud_region is AwsCloudRegion.EU_CENTRAL_1
    assert (google.bucket_name, google.cloud_region) == ("acme-exports", GoogleCloudRegion.EUROPE_WEST_1)
    assert (azure.account_name, azure.container) == ("acme", "exports")


def test_secrets_never_come_back(api: Api, customer: Customer) -> None:
    for kind, asked in MADE.items():
        made = getattr(customer.outputs, kind).create(asked)
        path = f"/v1/analytics/outputs/{kind.replace('_', '-')}"
        with httpx.Client(base_url=api.url, headers={"X-Api-Key": customer.key}) as http:
            for address in (path, f"{path}/{made.id}", f"{path}/{made.id}/customData"):
                text = http.get(address).text
                assert "never-told-anybody" not in text
                assert ACCOUNT_KEY not in text


def test_every_role_of_an_organization_has_the_same_external_id_and_no_other_has_it(
    customer: Customer, other: Customer
) -> None:
    generated = a_role_output(external_id_mode=ExternalIdMode.GENERATED)
    first = customer.outputs.s3_role_based.create(generated)
    second = customer.outputs.s3_role_based.create(a_role_output())
    anothers = other.outputs.s3_role_based.create(a_role_output())

    assert first.external_id == second.external_id
    assert first.external_id != anothers.external_id
    own = a_role_output(external_id=first.external_id, external_id_mode=ExternalIdMode.CUSTOM)
    assert customer.outputs.s3_role_based.create(own).external_id == first.external_id


def test_an_external_id_of_anothers_is_refused(api: Api, customer: Customer, other: Customer) -> None:
    theirs = other.outputs.s3_role_based.create(a_role_output()).external_id
    stolen = a_role_output(external_id=theirs, external_id_mode=ExternalIdMode.CUSTOM)

    with pytest.raises(BitmovinError) as refused:
        customer.outputs.s3_role_based.create(stolen)

    assert refused.value.http_status_code == 400
    assert fields(refused) == ["externalId"]
    assert "no other can be chosen" in refused.value.details[0].text
    assert connectors(api, customer) == []


def test_lists_come_in_pages_and_by_name(customer: Customer) -> None:
    for number in range(5):
        customer.outputs.azure.create(
            AnalyticsAzureOutput(
                name=f"number {number % 2}", account_name="acme", account_key=ACCOUNT_KEY, container="exports"
            )
        )

    seen = []
    for offset in (0, 2, 4):
        page = customer.outputs.azure.list(AnalyticsAzureOutputListQueryParams(offset=offset, limit=2))
        assert (page.total_count, page.offset, page.limit) == (5, offset, 2)
        assert (page.previous is None) is (offset == 0)
        assert (page.next is None) is (offset == 4)
        seen += [output.id for output in page.items]
    assert len(set(seen)) == 5
    named = customer.outputs.azure.list(AnalyticsAzureOutputListQueryParams(name="number 1"))
    assert named.total_count == 2
    none = AnalyticsS3RoleBasedOutputListQueryParams(name="number 1")
    assert customer.outputs.s3_role_based.list(none).items == []


def test_the_next_page_is_where_a_page_says_and_no_key_is_repeated(api: Api, customer: Customer) -> None:
    for _ in range(3):
        customer.outputs.azure.create(MADE["azure"])

    address = f"{api.url}/v1/analytics/outputs/azure?limit=2&X-Api-Key={customer.key}"
    first = httpx.get(address).json()["data"]["result"]

    assert customer.key not in first["next"]
    second = httpx.get(first["next"], headers={"X-Api-Key": customer.key}).json()["data"]["result"]
    assert len(first["items"]) == 2
    assert len(second["items"]) == 1
    assert "offset=0&" in second["previous"]


def test_an_output_is_another_organizations_secret(customer: Customer, other: Customer) -> None:
    made = customer.outputs.s3_role_based.create(a_role_output())

    for ask in (
        other.outputs.s3_role_based.get,
        other.outputs.s3_role_based.customdata.get,
        other.outputs.s3_role_based.delete,
        customer.outputs.azure.get,  # its own, among others
        customer.outputs.azure.delete,
    ):
        with pytest.raises(BitmovinError) as refused:
            ask(made.id)
        assert refused.value.http_status_code == 404
    assert other.outputs.s3_role_based.list().items == []
    assert customer.outputs.s3_role_based.get(made.id).id == made.id


def test_an_access_key_does_as_well_by_an_extension_of_ours(api: Api, customer: Customer) -> None:
    body = {
        "name": "Sales",
        "bucketName": "acme-exports",
        "accessKey": "AKIA1",
        "secretKey": "never-told-anybody",
        "cloudRegion": "US_WEST_2",
        "endpointUrl": "https://store.example",
    }
    with httpx.Client(base_url=api.url, headers={"X-Api-Key": customer.key}) as http:
        made = http.post("/v1/analytics/outputs/s3/", json=body)
        assert made.status_code == 201
        result = made.json()["data"]["result"]
        assert result.items() >= {"type": "S3", "state": "STARTING", "accessKey": "AKIA1"}.items()
        assert result["endpointUrl"] == "https://store.example"
        listed = http.get("/v1/analytics/outputs/s3/")
        assert "never-told" not in made.text + listed.text
        assert listed.json()["data"]["result"]["items"] == [result]
        roles = http.get("/v1/analytics/outputs/s3-role-based").json()
        assert roles["data"]["result"]["totalCount"] == 0


@pytest.mark.parametrize(
    ("kind", "changes", "named"),
    [
        ("s3-role-based", {"roleArn": None}, ["roleArn"]),
        ("s3-role-based", {"bucketName": "s3://acme"}, ["bucketName"]),
        ("s3-role-based", {"cloudRegion": "Frankfurt"}, ["cloudRegion"]),
        ("s3-role-based", {"signatureVersion": "S3_V2"}, ["signatureVersion"]),
        ("s3-role-based", {"md5MetaTag": "x"}, ["md5MetaTag"]),
        ("s3-role-based", {"acl": [{"permission": "PUBLIC_READ"}]}, ["acl"]),
        ("s3-role-based", {"bucket": "acme"}, ["bucket"]),
        ("s3-role-based", {"endpointUrl": "file:///etc/passwd"}, ["endpointUrl"]),
        ("s3-role-based", {"name": "x" * 256}, ["name"]),
        ("s3-role-based", {"description": "\ud800"}, ["description"]),
        ("s3-role-based", {"customData": {"a": "\ud800"}}, ["customData"]),
        ("s3-role-based", {"customData": {"a": "x" * 70_000}}, ["customData"]),
        ("s3", {"accessKey": "AKIA1"}, ["secretKey"]),
        ("azure", {}, ["accountName", "accountKey", "container"]),
    ],
)
def test_what_is_wrong_is_named_as_the_document_names_it_and_nothing_is_stored(
    api: Api, customer: Customer, kind: str, changes: Mapping[str, Any], named: list[str]
) -> None:
    whole = {"s3-role-based": {"bucketName": "acme", "roleArn": a_role_output().role_arn}}
    body = {"bucketName": "acme"} if kind == "s3" else whole.get(kind, {})
    asked = {name: value for name, value in {**body, **changes}.items() if value is not None}

    refused = httpx.post(
        f"{api.url}/v1/analytics/outputs/{kind}",
        content=json.dumps(asked),
        headers={"X-Api-Key": customer.key, "Content-Type": "application/json"},
    )

    assert refused.status_code == 400
    details = refused.json()["data"]["details"]
    assert [detail["field"] for detail in details] == named
    assert connectors(api, customer) == []


def test_a_kind_that_there_is_not_is_told_with_those_there_are(api: Api, customer: Customer) -> None:
    refused = httpx.get(f"{api.url}/v1/analytics/outputs/ftp", headers={"X-Api-Key": customer.key})

    assert refused.status_code == 404
    assert "s3-role-based, gcs-service-account, azure" in refused.json()["data"]["message"]


def test_a_key_that_may_only_look_makes_nothing(api: Api, customer: Customer) -> None:
    viewer = Customer(customer.organization, api.key(customer.organization, "connectors:view"), api.url)

    with pytest.raises(BitmovinError) as refused:
        viewer.outputs.s3_role_based.create(a_role_output())

    assert refused.value.http_status_code == 403
    assert viewer.outputs.s3_role_based.list().total_count == 0
