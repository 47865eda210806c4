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


@pytest.mark.parametrize(
    ("given", "own"),
    [
        ({}, True),
        ({"access_key_id": "AKIA1", "secret_access_key": SecretStr("x" * 16)}, False),
        ({"role_arn": "arn:aws:iam::123456789012:role/exports"}, True),
        ({"access_key_id": "AKIA1", "secret_access_key": SecretStr("x" * 16), "read": S3Credentials()}, True),
    ],
)
def test_the_deployments_own_identity_is_for_operators(given: dict[str, Any], own: bool) -> None:
    told = S3Config(bucket="sales", **given).operators_only

    assert (told is not None) is own
    assert told is None or "access_key_id is missing" in told
