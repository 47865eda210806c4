"""What is wrong with a payload is told by the document's names, without its values."""

from typing import Any

import pytest

from export_pipeline_tests.api.conftest import Somebody
from export_pipeline_tests.api.managed.payloads import KEY, a_payload

BAD = "secret bad value"


@pytest.mark.parametrize(
    ("payload", "field"),
    [
        ({}, "storage_type"),
        ({"storage_type": "Ftp", "storage_config": {}}, "storage_type"),
        ({"storage_type": "HttpData", "storage_config": "secret"}, "storage_config"),
        ({**a_payload(), "colour": "secret"}, "colour"),
        (a_payload(colour="secret"), "storage_config.colour"),
        (a_payload(password_write=None), "storage_config.password_write"),
        (a_payload(password_write=7), "storage_config.password_write"),
        (a_payload(bucket_name=f"s3://{BAD}"), "storage_config.bucket_name"),
        (a_payload(url=BAD), "storage_config.url"),
        (a_payload(region=BAD), "storage_config.region"),
        (a_payload(username_write=BAD), "storage_config.username_write"),
        (a_payload(username_read=BAD), "storage_config.username_read"),
        (a_payload(password_read=None), "storage_config.username_read"),
        (a_payload("AzureStorage", account_key_write=BAD), "storage_config.account_key_write"),
        (a_payload("AzureStorage", account_key_read=BAD), "storage_config.account_key_read"),
        (a_payload("AzureStorage", account_name_write="secret_"), "storage_config.account_name_read"),
        (a_payload("AzureStorage", account_name_read="secret"), "storage_config.account_name_read"),
        (a_payload("AzureStorage", container_name=BAD), "storage_config.container_name"),
        (a_payload("HttpData", url=None), "storage_config.url"),
        (a_payload("HttpData", url=BAD), "storage_config.url"),
        (a_payload("HttpData", token_write=BAD), "storage_config.token_write"),
        (a_payload("HttpData", url_read="https://shows.example.com/secret"), "storage_config.url_read"),
        (a_payload("HttpData", method="GET"), "storage_config.method"),
    ],
)
def test_the_field_is_named_and_no_value(admin: Somebody, payload: dict[str, Any], field: str) -> None:
    refused = admin.post("/connectors/acme-lake", json=payload)

    assert refused.status_code == 400
    assert field in [fault["field"] for fault in refused.json()["faults"]]
    assert "secret" not in refused.text
    assert KEY not in refused.text
    assert admin.get("/connectors/acme-lake").status_code == 404


def test_what_stands_in_the_place_of_a_secret_is_refused(admin: Somebody) -> None:
    refused = admin.post("/connectors/acme-lake", json=a_payload(password_write="**********"))

    assert [fault["field"] for fault in refused.json()["faults"]] == ["storage_config.password_write"]


def test_what_goes_together_is_said_in_the_documents_words(admin: Somebody) -> None:
    refused = admin.post("/connectors/acme-lake", json=a_payload(password_read=None))

    assert "username_read and password_read go together" in refused.json()["detail"]


def test_a_name_that_cannot_be_is_refused_as_that(admin: Somebody) -> None:
    refused = admin.post("/connectors/Acme_Lake", json=a_payload())

    assert [fault["field"] for fault in refused.json()["faults"]] == ["name"]
