"""What the document's kinds of storage are in our words, and what of them is shown."""

from typing import Any

import pytest
from pydantic import ValidationError

from export_pipeline.api.managed.storage import STORAGE, AmazonS3, AzureStorage, HttpData
from export_pipeline.connectors.azure import AzureConfig
from export_pipeline.connectors.connector import config_from
from export_pipeline.connectors.http import HttpConfig
from export_pipeline.connectors.s3 import S3Config
from export_pipeline.control.kept_secrets import with_kept_secrets
from export_pipeline_tests.api.managed.payloads import AZURE, CONFIGS, KEY, RECEIVER, S3


def test_a_bucket_is_written_by_one_and_read_by_another() -> None:
    config = config_from(AmazonS3(**S3).config)

    assert isinstance(config, S3Config)
    assert (config.bucket, config.region) == ("acme-exports", "eu-central-1")
    assert config.endpoint_url == "https://minio.example.com"
    assert config.access_key_id == "AKIAWRITE"
    assert config.secret_access_key is not None
    assert config.secret_access_key.get_secret_value() == "secret-to-write"
    assert config.read is not None
    assert config.read.access_key_id == "AKIAREAD"
    assert config.read.secret_access_key is not None
    assert config.read.secret_access_key.get_secret_value() == "secret-to-read"


def test_what_is_left_out_is_the_stores_own() -> None:
    bare = AmazonS3(bucket_name="acme", url="", username_write="A", password_write="B")

    config = config_from(bare.config)

    assert isinstance(config, S3Config)
    assert (config.endpoint_url, config.region, config.read) == (None, "us-east-1", None)


def test_a_container_is_written_with_one_key_and_read_with_another() -> None:
    config = config_from(AzureStorage(**AZURE).config)

    assert isinstance(config, AzureConfig)
    assert (config.account_name, config.container) == ("acme", "exports")
    assert config.endpoint_url == "https://acme.blob.core.windows.net"
    assert config.read is not None
    assert config.read.account_key is not None
    assert config.read.account_key.get_secret_value() == KEY


def test_one_account_does_not_show_what_lies_in_another() -> None:
    with pytest.raises(ValidationError, match="account_name_read"):
        AzureStorage(**{**AZURE, "account_name_read": "other"})


def test_data_by_http_waits_with_us_unless_somebody_takes_it() -> None:
    assert HttpData().config == {"type": "direct_download"}

    config = config_from(HttpData(**RECEIVER).config)

    assert isinstance(config, HttpConfig)
    assert (config.url, config.method) == (RECEIVER["url"], "POST")
    assert config.bearer_token is not None
    assert config.read is not None
    assert (config.read.url, config.read.username) == (RECEIVER["url_read"], "acme")


def test_nothing_is_kept_of_what_an_edit_leaves_out() -> None:
    """The payload of an edit is exactly that of a creation."""
    before = config_from(HttpData(**RECEIVER).config)

    after = with_kept_secrets(HttpData(url=RECEIVER["url"], method="POST").config, before)

    assert isinstance(after, HttpConfig)
    assert (after.bearer_token, after.read) == (None, None)


@pytest.mark.parametrize("storage_type", CONFIGS)
def test_all_but_secrets_is_shown(storage_type: str) -> None:
    kind = STORAGE[storage_type]
    asked: dict[str, Any] = dict(CONFIGS[storage_type])

    shown = kind.shown(config_from(kind(**asked).config))

    assert shown is not None
    assert "secret" not in str(shown)
    assert KEY not in str(shown)
    secrets = {name for name in asked if name.startswith(("password", "account_key", "token"))}
    assert {name for name, value in shown.items() if value is not None} == {*asked} - secrets - (
        {"region"} if storage_type == "AzureStorage" else set()
    )
    assert all(
        kind.shown(config_from(STORAGE[other](**CONFIGS[other]).config)) is None
        for other in CONFIGS
        if other != storage_type
    )


@pytest.mark.parametrize("storage_type", CONFIGS)
def test_every_word_for_a_field_is_one_of_the_documents(storage_type: str) -> None:
    kind = STORAGE[storage_type]

    assert set(kind.spoken.values()) <= set(kind.model_fields)
