"""Descriptions of connectors become connectors, or errors that name the field, the cure and no secret."""

import json
import re
import tomllib
import traceback
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

import pytest

from export_pipeline.connectors.connector import (
    CONNECTOR_TYPES,
    ConnectorConfig,
    config_from,
    without_secrets,
)
from export_pipeline.connectors.direct_download import DirectDownloadConfig
from export_pipeline.connectors.folder import FolderConfig
from export_pipeline.connectors.s3 import S3Config
from export_pipeline.connectors.secret import MASK, reveal
from export_pipeline.dataset.environment import filled
from export_pipeline.errors import InvalidRequest

SECRET = "hunter2-hunter2"
S3 = {"type": "s3", "bucket": "sales", "access_key_id": "AKIA1", "secret_access_key": SECRET}
KNOWN = ", ".join(CONNECTOR_TYPES)
AZURE = {"type": "azure", "account_name": "sales", "container": "exports", "account_key": "a2V5"}
HTTP = {"type": "http", "url": "https://receiver.example/$key"}
FOLDER = {"type": "folder", "path": "/var/downloads"}


def refusal(data: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        config_from(data)
    return caught.value


def test_a_mapping_describes_a_connector() -> None:
    config = config_from(S3)

    assert isinstance(config, S3Config)
    assert config.secret_access_key is not None
    assert config.secret_access_key.get_secret_value() == SECRET


def test_what_is_revealed_is_read_back() -> None:
    config = config_from({"type": "direct_download", "store": S3})

    assert isinstance(config, DirectDownloadConfig)
    assert config_from(reveal(config)) == config
    assert config_from(reveal(config).encode()) == config


def test_every_type_is_known_by_its_name() -> None:
    members = get_args(get_args(ConnectorConfig)[0])

    assert len(CONNECTOR_TYPES) == len(members)
    assert all(CONNECTOR_TYPES[name].model_fields["type"].default == name for name in CONNECTOR_TYPES)


@pytest.mark.parametrize(
    ("data", "field", "says"),
    [
        ({}, "type", f"must be one of {KNOWN}"),
        ({"type": "ftp"}, "type", f"must be one of {KNOWN}"),
        ({"type": 7}, "type", "must be one of"),
        ({"type": "s3"}, "bucket", "is missing (the bucket's name)"),
        ({**S3, "bucket": "s3://sales"}, "bucket", "bare name"),
        ({**S3, "bucket": 7}, "bucket", "is no text"),
        ({**S3, "buckett": "x"}, "buckett", "did you mean 'bucket'?"),
        ({**S3, "prefix": "../other"}, "prefix", "must look like"),
        ({**S3, "region": "not a region"}, "region", "the bucket's region"),
        ({**S3, "endpoint_url": "ftp://x"}, "endpoint_url", "must look like https://"),
        (
            {**S3, "secret_access_key": None},
            None,
            "access_key_id and secret_access_key go together: give both",
        ),
        ({**S3, "secret_access_key": "**********"}, "secret_access_key", "send the real value"),
        ({"type": "direct_download"}, "store", "is missing"),
        ({"type": "direct_download", "store": {}}, "store.type", "must be one of azure, folder, gcs, s3"),
        ({"type": "direct_download", "store": {**FOLDER, "path": "x"}}, "store.path", "must be absolute"),
        ({"type": "direct_download", "store": S3, "row_limit": "x"}, "row_limit", "is no whole number"),
        ({**AZURE, "read": {"account_kee": "x"}}, "read.account_kee", "did you mean 'account_key'?"),
        ({**AZURE, "read": {"account_key": "!"}}, "read.account_key", "in Base64 (one of the account's two"),
        ({**AZURE, "read": "x"}, "read", "who reads files back"),
        ({**HTTP, "read": {"url": "x"}}, "read.url", "(where files are shown"),
        ("not json", None, "Invalid JSON"),
        ("[]", None, "is no object"),
    ],
)
def test_an_error_names_the_field_and_the_cure(data: Any, field: str | None, says: str) -> None:
    refused = refusal(data)

    assert refused.field == field
    assert says in str(refused)
    assert "Value error" not in str(refused)


def test_every_problem_is_named_at_once() -> None:
    refused = str(refusal({"type": "s3", "region": "x y", "colour": "red"}))

    assert all(field in refused for field in ("bucket", "region", "colour"))


@pytest.mark.parametrize(
    "data",
    [
        {"type": "ftp", "secret_access_key": SECRET},
        {**S3, "type": "s4"},
        {**S3, "bucket": f"s3://{SECRET}/"},
        {**S3, "secret": SECRET},
        {**S3, "access_key_id": None},
        {**S3, "secret_access_key": [SECRET]},
        {**S3, "endpoint_url": f"https://user:{SECRET}@host"},
        {"type": "direct_download", "store": {**S3, "type": "x"}},
        f'{{"type": "s3", "secret_access_key": "{SECRET}"',
    ],
)
def test_no_error_shows_what_may_be_a_secret(data: Any) -> None:
    refused = refusal(data)

    told = "".join(traceback.format_exception(refused))
    assert SECRET not in told
    assert refused.__context__ is None


DOCUMENT = Path(__file__).parents[2] / "docs" / "connectors.md"
SAMPLES = re.findall(r"```toml\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
VALUES = {
    "ACME_SECRET": "x" * 16,
    "ACME_READ_SECRET": "x" * 16,
    "ACME_TOKEN": "x" * 16,
    "ACME_SAS": "sp=rl&sig=x",
    "ACME_KEY": "a2V5LWtleS1rZXkta2V5",
}


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_documents_samples_are_connectors_and_show_every_field(sample: str) -> None:
    document = tomllib.loads(sample)
    environ = dict(VALUES)
    if document["type"] == "gcs":
        token_uri = "https://oauth2.googleapis.com/token"
        key = {"type": "service_account", "client_email": "a@b", "private_key": "c", "token_uri": token_uri}
        environ["ACME_KEY"] = json.dumps(key)

    config = config_from(filled(document, environ))

    told = DOCUMENT.read_text()
    assert all(re.search(rf"\b{field}\b", told) for field in type(config).model_fields)


def test_every_type_that_customers_make_has_a_sample() -> None:
    assert {tomllib.loads(sample)["type"] for sample in SAMPLES} == {*CONNECTOR_TYPES} - {"direct_download"}


@pytest.mark.parametrize(
    ("config", "address"),
    [
        ({"type": "s3", "bucket": "sales"}, "https://s3.us-east-1.amazonaws.com/sales"),
        (
            {"type": "s3", "bucket": "sales", "region": "cn-north-1"},
            "https://s3.cn-north-1.amazonaws.com.cn/sales",
        ),
        (
            {"type": "s3", "bucket": "sales", "prefix": "a/b", "endpoint_url": "http://s3:9000"},
            "http://s3:9000/sales",
        ),
        ({"type": "gcs", "bucket": "sales", "prefix": "a/b"}, "https://storage.googleapis.com/sales"),
        ({"type": "http", "url": "https://a.example/in/$key?token=1"}, "https://a.example/in/$key?token=1"),
    ],
)
def test_an_address_names_host_and_bucket_and_nothing_that_changes_within(
    config: dict[str, str], address: str
) -> None:
    assert config_from(config).address == address


def test_where_the_host_is_called_and_not_its_inside(tmp_path: Path) -> None:
    azure = config_from({"type": "azure", "account_name": "acme", "container": "sales", "sas_token": "sig=1"})
    folder = DirectDownloadConfig(store=FolderConfig(path=tmp_path))

    assert azure.address == "https://acme.blob.core.windows.net/acme/sales"
    assert urlsplit(folder.address).hostname is None
    receiver = config_from({"type": "http", "url": "https://a.example/$key"})
    assert (azure.inside, folder.inside, receiver.inside) == (True, True, False)


def test_what_was_written_is_shown_without_what_may_be_a_secret() -> None:
    read = {"access_key_id": "AKIA2", "secret_access_key": SECRET, "external_id": {"env": "ID"}}
    written = {
        **S3,
        "prefix": {"env": "PREFIX"},
        "secret_acces_key": SECRET,
        "path_style": True,
        "tags": {"team": "data"},
        "read": read,
    }

    shown = without_secrets("s3", written)

    assert SECRET not in str(shown)
    assert shown == {
        **written,
        "secret_access_key": MASK,
        "secret_acces_key": MASK,
        "read": {**read, "secret_access_key": MASK},
    }


@pytest.mark.parametrize("type_", CONNECTOR_TYPES)
def test_every_secret_of_every_type_is_masked(type_: str) -> None:
    fields = CONNECTOR_TYPES[type_].model_fields
    secrets = {name: SECRET for name, field in fields.items() if "SecretStr" in str(field.annotation)}
    read = {"password": SECRET, "bearer_token": SECRET, "secret_access_key": SECRET, "account_key": SECRET}

    shown = without_secrets(type_, {"type": type_, **secrets, "read": read})

    assert SECRET not in str(shown)
