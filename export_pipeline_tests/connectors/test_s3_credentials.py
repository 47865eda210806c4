"""Which credentials make sense, and that they show themselves to nobody."""

import pytest
from pydantic import SecretStr, ValidationError

from export_pipeline.connectors.connector import config_from
from export_pipeline.connectors.s3_credentials import S3Credentials
from export_pipeline.errors import InvalidRequest

ROLE = "arn:aws:iam::123456789012:role/exports/acme"
KEY = {"access_key_id": "AKIA1", "secret_access_key": "never-told-anybody"}


@pytest.mark.parametrize(
    "given",
    [
        {},
        KEY,
        {"role_arn": ROLE},
        {"role_arn": ROLE, "external_id": "acme:7"},
        {**KEY, "role_arn": "arn:aws-cn:iam::123456789012:role/exports"},
        {**KEY, "role_arn": "arn:minio:iam:::role/exports", "external_id": "x" * 1224},
    ],
)
def test_keys_and_roles_go_together_or_alone(given: dict[str, str]) -> None:
    assert S3Credentials.model_validate(given).role_arn == given.get("role_arn")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"access_key_id": "AKIA1"}, "go together: give both"),
        ({"secret_access_key": "never-told-anybody"}, "go together: give both"),
        ({"external_id": "acme"}, "give role_arn too"),
        ({"role_arn": "exports"}, "role_arn"),
        ({"role_arn": "arn:aws:iam::123456789012:user/exports"}, "role_arn"),
        ({"role_arn": ROLE, "external_id": "x"}, "external_id"),
        ({"role_arn": ROLE, "external_id": "x" * 1225}, "external_id"),
        ({"role_arn": ROLE, "external_id": "two words"}, "external_id"),
    ],
)
def test_what_cannot_work_is_refused(given: dict[str, str], says: str) -> None:
    with pytest.raises(ValidationError, match=says) as caught:
        S3Credentials.model_validate(given)

    assert "never-told" not in str(caught.value)


def test_for_reading_the_field_is_named_with_its_table() -> None:
    reading = {**KEY, "secret_access_key": "**********"}

    with pytest.raises(InvalidRequest, match=r"read\.secret_access_key: .*the secret half") as caught:
        config_from({"type": "s3", "bucket": "sales", **KEY, "read": reading})

    assert caught.value.field == "read.secret_access_key"


def test_a_secret_is_not_shown() -> None:
    found = S3Credentials(access_key_id="AKIA1", secret_access_key=SecretStr("never-told-anybody"))

    assert "never-told" not in f"{found} {found!r} {found.model_dump_json()}"
