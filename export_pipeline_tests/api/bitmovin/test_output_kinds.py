"""Each kind of outputs shows what it made a connector of, and nothing of other kinds'."""

from typing import Any

import pytest

from export_pipeline.api.bitmovin.output_kinds import KINDS, Output
from export_pipeline.connectors.connector import config_from
from export_pipeline_tests.api.bitmovin.test_outputs import ACCOUNT_KEY, CREDENTIALS

STORE = {"endpointUrl": "https://store.example"}
BODIES: dict[str, dict[str, Any]] = {
    "s3-role-based": {
        "bucketName": "acme-exports",
        "roleArn": "arn:aws:iam::123456789012:role/exports",
        "externalId": "ep-1",
        "cloudRegion": "AP_NORTHEAST_2",
    },
    "gcs-service-account": {"bucketName": "acme-exports", "serviceAccountCredentials": CREDENTIALS},
    "azure": {"accountName": "acme", "accountKey": ACCOUNT_KEY, "container": "exports"},
    "s3": {"bucketName": "acme-exports", "accessKey": "AKIA1", "secretKey": "never-told-anybody"},
}
SECRETS = {"serviceAccountCredentials", "accountKey", "secretKey"}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def test_what_is_asked_for_is_shown_again_but_for_its_secrets(kind: str) -> None:
    body = {**BODIES[kind], **STORE}
    asked: Output = KINDS[kind].model_validate(body)

    shown = KINDS[kind].shown(config_from(asked.config))

    assert shown is not None
    assert shown.items() >= {name: value for name, value in body.items() if name not in SECRETS}.items()
    assert not SECRETS & shown.keys()


def test_a_connector_is_of_one_kind(kind: str) -> None:
    config = config_from(KINDS[kind].model_validate(BODIES[kind]).config)

    assert [name for name, one in KINDS.items() if one.shown(config) is not None] == [kind]


def test_the_operators_own_identity_is_no_output() -> None:
    config = config_from({"type": "s3", "bucket": "acme-exports"})

    assert all(kind.shown(config) is None for kind in KINDS.values())
