"""How a connector to Azure is configured."""

from typing import Any

import pytest
from pydantic import ValidationError

from export_pipeline.connectors.azure import AzureConfig

KEY = "a2V5LWtleS1rZXkta2V5"
GIVEN = {"account_name": "sales", "container": "exports", "account_key": KEY}


def test_the_address_is_that_of_the_account_unless_said_otherwise() -> None:
    assert AzureConfig.model_validate(GIVEN).url == "https://sales.blob.core.windows.net"
    elsewhere = {**GIVEN, "endpoint_url": "https://sales.blob.core.example/"}
    assert AzureConfig.model_validate(elsewhere).url == "https://sales.blob.core.example"


def test_a_location_names_account_container_and_folder() -> None:
    assert AzureConfig.model_validate(GIVEN).location == "azure://sales/exports"
    assert AzureConfig.model_validate({**GIVEN, "prefix": "a/b/"}).location == "azure://sales/exports/a/b"


@pytest.mark.parametrize("token", ["sv=2026-02-06&sig=abc%3D", "?sv=2026-02-06&sig=abc%3D"])
def test_a_token_is_taken_as_the_portal_shows_it(token: str) -> None:
    config = AzureConfig.model_validate({**GIVEN, "account_key": None, "sas_token": token})

    assert config.sas_token is not None
    assert config.sas_token.get_secret_value() == "sv=2026-02-06&sig=abc%3D"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("account_name", "Sales"),
        ("account_name", "sales.blob.core.windows.net"),
        ("account_name", "sa"),
        ("container", "Exports"),
        ("container", "exports/daily"),
        ("container", "ex--ports"),
        ("container", "-exports"),
        ("container", "exports\n"),
        ("prefix", "/daily"),
        ("endpoint_url", "sales.blob.core.windows.net"),
        ("endpoint_url", "https://sales.blob.core.windows.net/?sig=x"),
        ("account_key", "not base64!"),
        ("account_key", "**********"),
        ("sas_token", "https://sales.blob.core.windows.net/?sv=1&sig=x"),
        ("sas_token", "sv=1&se=2"),
        ("identity_client_id", "me"),
        ("encryption_scope", "a/b"),
        ("access_tier", "Archive"),
    ],
)
def test_a_configuration_that_cannot_work_is_refused(field: str, value: str) -> None:
    with pytest.raises(ValidationError) as caught:
        AzureConfig.model_validate({**GIVEN, field: value})

    assert caught.value.errors()[0]["loc"] == (field,)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({**GIVEN, "sas_token": "sig=x"}, "give one of them"),
        ({**GIVEN, "account_key": None, "endpoint_url": "http://127.0.0.1:10000/sales"}, "over TLS only"),
    ],
)
def test_credentials_that_do_not_go_together_are_refused(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        AzureConfig.model_validate(given)


def test_who_reads_may_be_another_than_who_writes() -> None:
    config = AzureConfig.model_validate({**GIVEN, "read": {"sas_token": "?sp=rl&sig=x"}})

    assert config.read is not None
    assert config.read.sas_token is not None
    assert config.read.sas_token.get_secret_value() == "sp=rl&sig=x"


@pytest.mark.parametrize(
    ("read", "field"),
    [
        ({"account_key": "not base64!"}, ("read", "account_key")),
        ({"sas_token": "sv=1&se=2"}, ("read", "sas_token")),
        ({"container": "another"}, ("read", "container")),
        ({"account_key": KEY, "sas_token": "sig=x"}, ("read",)),
    ],
)
def test_who_reads_is_checked_alike(read: dict[str, Any], field: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError) as caught:
        AzureConfig.model_validate({**GIVEN, "read": read})

    assert caught.value.errors()[0]["loc"] == field


def test_an_identity_that_reads_is_shown_over_tls_only_too() -> None:
    with pytest.raises(ValidationError, match="over TLS only"):
        AzureConfig.model_validate({**GIVEN, "endpoint_url": "http://127.0.0.1:10000/sales", "read": {}})


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, None),
        ({"account_key": None, "sas_token": "sig=x", "read": {"account_key": KEY}}, None),
        ({"account_key": None}, "account_key is missing"),
        ({"read": {}}, "read.account_key is missing"),
    ],
)
def test_our_own_identity_is_for_operators(changes: dict[str, Any], says: str | None) -> None:
    told = AzureConfig.model_validate({**GIVEN, **changes}).operators_only

    assert (told or "").startswith(says or "")
    assert (told is None) == (says is None)


@pytest.mark.parametrize(
    "tags",
    [
        {"": "x"},
        {"cost centre": "ü"},
        {"a\n": "x"},
        {"a": "x" * 257},
        {str(number): "x" for number in range(11)},
    ],
)
def test_tags_that_azure_would_not_take_are_refused(tags: dict[str, str]) -> None:
    assert AzureConfig.model_validate({**GIVEN, "tags": {"cost centre": "sales/eu", "empty": ""}}).tags

    with pytest.raises(ValidationError, match="tags"):
        AzureConfig.model_validate({**GIVEN, "tags": tags})
