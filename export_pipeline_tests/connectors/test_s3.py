"""Which buckets of S3 a connector can be made for, and in whose name they are asked."""

from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from export_pipeline.connectors.s3 import S3Config
from export_pipeline.connectors.s3_credentials import S3Credentials


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("bucket", "s3://sales"),
        ("bucket", "sales/daily"),
        ("bucket", "sa"),
        ("bucket", "sales\n"),
        ("prefix", "/daily"),
        ("prefix", "a/../../b"),
        ("prefix", "a//b"),
        ("prefix", "a\0b"),
        ("region", "Frankfurt!"),
        ("endpoint_url", "minio.example:9000"),
        ("endpoint_url", "file:///etc/passwd"),
        ("endpoint_url", "https://user:password@minio.example"),
        ("endpoint_url", "https://minio.example/bucket"),
        ("endpoint_url", "https://minio.example?x=y"),
        ("endpoint_url", "https://minio.example:notaport"),
        ("endpoint_url", "https://minio.example\r\nx: y"),
        ("access_key_id", "AKIA1\n"),
        ("access_key_id", ""),
    ],
)
def test_a_configuration_that_cannot_work_is_refused(field: str, value: str) -> None:
    given = {"bucket": "sales", "access_key_id": "AKIA1", "secret_access_key": "x" * 16, field: value}

    with pytest.raises(ValidationError) as caught:
        S3Config.model_validate(given)

    assert caught.value.errors()[0]["loc"] == (field,)


KEY: dict[str, Any] = {"access_key_id": "AKIA1", "secret_access_key": SecretStr("x" * 16)}
ROLE: dict[str, Any] = {"role_arn": "arn:aws:iam::123456789012:role/exports"}
STS = {"sts_endpoint_url": "https://sts.example"}


@pytest.mark.parametrize("given", [KEY, ROLE, {**KEY, **ROLE, **STS}, {**KEY, "read": S3Credentials(**ROLE)}])
def test_a_key_or_a_role_is_for_everybody(given: dict[str, Any]) -> None:
    assert S3Config(bucket="sales", **given).operators_only is None


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "access_key_id is missing"),
        ({**KEY, "read": S3Credentials()}, "read.access_key_id is missing"),
        ({**ROLE, **STS}, "sts_endpoint_url would be shown our own identity"),
        ({**KEY, **STS, "read": S3Credentials(**ROLE)}, "sts_endpoint_url would be shown our own identity"),
    ],
)
def test_the_deployments_own_identity_is_for_operators(given: dict[str, Any], says: str) -> None:
    told = S3Config(bucket="sales", **given).operators_only

    assert told is not None
    assert told.startswith(says)
