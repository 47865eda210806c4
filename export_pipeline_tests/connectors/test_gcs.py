"""How a connector to Google Cloud Storage is configured."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from export_pipeline.connectors.gcs import GcsConfig

KEY = {
    "type": "service_account",
    "client_email": "exports@sales.iam.gserviceaccount.com",
    "private_key": "hunter2-hunter2",
    "token_uri": "https://oauth2.googleapis.com/token",
}
GIVEN = {"bucket": "sales", "service_account": json.dumps(KEY)}


def test_the_address_is_googles_unless_said_otherwise() -> None:
    assert GcsConfig.model_validate(GIVEN).url == "https://storage.googleapis.com"
    assert (
        GcsConfig.model_validate({**GIVEN, "endpoint_url": "https://gcs.example/"}).url
        == "https://gcs.example"
    )


def test_a_location_is_what_people_write() -> None:
    assert GcsConfig.model_validate(GIVEN).location == "gs://sales"
    assert GcsConfig.model_validate({**GIVEN, "prefix": "a/b/"}).location == "gs://sales/a/b"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("bucket", "gs://sales"),
        ("bucket", "Sales"),
        ("bucket", "sales/daily"),
        ("bucket", "sales\n"),
        ("prefix", "/daily"),
        ("endpoint_url", "https://storage.googleapis.com/storage/v1"),
        ("storage_class", "Archive"),
        ("kms_key_name", "my-key"),
        ("kms_key_name", "projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1"),
        ("service_account", "/etc/key.json"),
        ("service_account", "[]"),
        ("service_account", "**********"),
        ("service_account", json.dumps({**KEY, "type": "external_account"})),
        ("service_account", json.dumps({"type": "service_account", "private_key": "hunter2-hunter2"})),
    ],
)
def test_a_configuration_that_cannot_work_is_refused(field: str, value: str) -> None:
    with pytest.raises(ValidationError) as caught:
        GcsConfig.model_validate({**GIVEN, field: value})

    assert caught.value.errors()[0]["loc"] == (field,)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"token_uri": "http://169.254.169.254/latest"},
        {"token_uri": "http://oauth2.googleapis.com/token"},
        {"token_uri": "https://googleapis.com.example/token"},
        {"token_uri": "https://evil.example/.googleapis.com"},
    ],
)
def test_a_key_does_not_say_whom_to_ask_for_tokens(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="must be Google's"):
        GcsConfig.model_validate({**GIVEN, "service_account": json.dumps({**KEY, **changes})})


def test_a_store_that_is_not_googles_may_give_out_tokens_itself() -> None:
    own = json.dumps({**KEY, "token_uri": "http://127.0.0.1:4443/token"})
    given = {**GIVEN, "service_account": own, "endpoint_url": "http://127.0.0.1:4443"}

    assert GcsConfig.model_validate(given).service_account is not None
    with pytest.raises(ValidationError, match="must be Google's"):
        GcsConfig.model_validate({**given, "endpoint_url": "http://127.0.0.1:4444"})


def test_who_reads_may_be_another_than_who_writes() -> None:
    other = json.dumps({**KEY, "client_email": "reader@sales.iam.gserviceaccount.com"})

    config = GcsConfig.model_validate({**GIVEN, "read": {"service_account": other}})

    assert config.read is not None
    assert config.read.service_account is not None
    assert "reader@" in config.read.service_account.get_secret_value()


@pytest.mark.parametrize(
    ("read", "field"),
    [
        ({"service_account": "/etc/key.json"}, ("read", "service_account")),
        ({"service_account": json.dumps({**KEY, "type": "external_account"})}, ("read", "service_account")),
        ({"bucket": "another"}, ("read", "bucket")),
        (json.dumps(KEY), ("read",)),
    ],
)
def test_who_reads_is_checked_alike(read: Any, field: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError) as caught:
        GcsConfig.model_validate({**GIVEN, "read": read})

    assert caught.value.errors()[0]["loc"] == field
    assert "hunter2" not in str(caught.value)


def test_a_readers_key_does_not_say_whom_to_ask_for_tokens_either() -> None:
    evil = json.dumps({**KEY, "token_uri": "http://169.254.169.254/latest"})

    with pytest.raises(ValidationError, match=r"read\.service_account: its token_uri must be Google's"):
        GcsConfig.model_validate({**GIVEN, "read": {"service_account": evil}})


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (GIVEN, None),
        ({**GIVEN, "read": {"service_account": json.dumps(KEY)}}, None),
        ({"bucket": "sales"}, "service_account is missing"),
        ({**GIVEN, "read": {}}, "read.service_account is missing"),
    ],
)
def test_our_own_identity_is_for_operators(given: dict[str, Any], says: str | None) -> None:
    told = GcsConfig.model_validate(given).operators_only

    assert (told or "").startswith(says or "")
    assert (told is None) == (says is None)
