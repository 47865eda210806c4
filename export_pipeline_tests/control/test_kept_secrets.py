"""Secrets are kept where they are, and go nowhere else."""

import json
from typing import Any

import pytest
from pydantic import SecretStr

from export_pipeline.connectors.connector import config_from
from export_pipeline.connectors.http import HttpConfig
from export_pipeline.control.kept_secrets import with_kept_secrets
from export_pipeline.errors import InvalidRequest

SECRETS = {
    "bearer_token": "for-writing",
    "read": {"url": "https://show.example/$key", "bearer_token": "for-reading"},
}
OPEN: dict[str, Any] = {"type": "http", "url": "https://take.example/$key"}
READ = {"url": "https://show.example/$key"}
ELSEWHERE = "https://elsewhere.example/$key"
BEFORE = config_from({**OPEN, **SECRETS})


def told(config: HttpConfig) -> tuple[str | None, str | None]:
    """The secrets for writing and for reading."""
    reading = config.read.bearer_token if config.read else None
    return tuple(one.get_secret_value() if one else None for one in (config.bearer_token, reading))  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("given", "secrets"),
    [
        ({**OPEN, "method": "POST", "read": READ}, ("for-writing", "for-reading")),
        ({**OPEN}, ("for-writing", None)),
        ({**OPEN, "bearer_token": "new", "read": READ}, ("new", "for-reading")),
        ({**OPEN, "bearer_token": None, "read": READ}, (None, "for-reading")),
        ({**OPEN, "read": {**READ, "bearer_token": "new"}}, ("for-writing", "new")),
        ({**OPEN, "url": ELSEWHERE, "bearer_token": None}, (None, None)),
        ({**OPEN, "read": {"url": ELSEWHERE, "bearer_token": "new"}}, ("for-writing", "new")),
    ],
    ids=["same", "no reader", "new", "taken away", "new reader", "elsewhere without", "reader elsewhere"],
)
def test_a_secret_is_kept_for_the_place_it_was_given_for(
    given: dict[str, Any], secrets: tuple[str | None, str | None]
) -> None:
    new = with_kept_secrets(given, BEFORE)

    assert isinstance(new, HttpConfig)
    assert told(new) == secrets


@pytest.mark.parametrize(
    ("given", "lost"),
    [
        ({**OPEN, "url": ELSEWHERE}, "bearer_token"),
        ({**OPEN, "read": {"url": ELSEWHERE}}, "read.bearer_token"),
    ],
)
def test_a_secret_is_neither_sent_elsewhere_nor_left_out_silently(given: dict[str, Any], lost: str) -> None:
    with pytest.raises(
        InvalidRequest, match=rf"{lost}: is not kept for another address .*give it anew"
    ) as refused:
        with_kept_secrets(given, BEFORE)
    assert refused.value.field == lost


S3 = {
    "type": "s3",
    "bucket": "sales",
    "endpoint_url": "https://store.example",
    "access_key_id": "AKIA1",
    "secret_access_key": "for-writing",
    "role_arn": "arn:aws:iam::123456789012:role/exports",
    "sts_endpoint_url": "https://roles.example",
}
AZURE = {"type": "azure", "account_name": "acme", "container": "sales", "account_key": "Zm9yLXdyaXRpbmc="}
ACCOUNT = {
    "type": "service_account",
    "client_email": "a@b.example",
    "private_key": "for-writing",
    "token_uri": "https://oauth2.googleapis.com/token",
}
GCS = {"type": "gcs", "bucket": "sales", "service_account": json.dumps(ACCOUNT)}
THERE = "https://elsewhere.example"


@pytest.mark.parametrize(
    ("given", "secret", "change"),
    [
        (S3, "secret_access_key", {"endpoint_url": THERE}),
        (S3, "secret_access_key", {"endpoint_url": None}),
        (S3, "secret_access_key", {"sts_endpoint_url": THERE}),
        (S3, "secret_access_key", {"sts_endpoint_url": None}),
        (S3, "secret_access_key", {"endpoint_url": "http://store.example"}),
        (AZURE, "account_key", {"endpoint_url": THERE}),
        (AZURE, "account_key", {"account_name": "another"}),
        (GCS, "service_account", {"endpoint_url": THERE}),
        ({**OPEN, "bearer_token": "for-writing"}, "bearer_token", {"url": f"{THERE}/$key"}),
        ({**OPEN, "bearer_token": "for-writing"}, "bearer_token", {"url": f"{OPEN['url']}?to=another"}),
        (
            {**OPEN, "username": "me", "password": "for-writing"},
            "password",
            {"url": "http://take.example/$key"},
        ),
    ],
)
def test_a_secret_is_asked_for_again_before_another_server_is_shown_it(
    given: dict[str, Any], secret: str, change: dict[str, Any]
) -> None:
    silent = {name: value for name, value in given.items() if name != secret}

    with pytest.raises(InvalidRequest, match=rf"^{secret}: is not kept .*give it anew") as refused:
        with_kept_secrets({**silent, **change}, config_from(given))

    assert refused.value.field == secret
    assert with_kept_secrets(silent, config_from(given)) == config_from(given)
    assert with_kept_secrets({**given, **change}, config_from(given)) == config_from({**given, **change})


def test_a_readers_secret_is_not_shown_to_another_giver_of_roles_either() -> None:
    read = {"access_key_id": "AKIA2", "role_arn": S3["role_arn"]}
    before = config_from({**S3, "read": {**read, "secret_access_key": "for-reading"}})

    with pytest.raises(InvalidRequest, match=r"^read\.secret_access_key: is not kept"):
        with_kept_secrets({**S3, "sts_endpoint_url": THERE, "read": read}, before)


def test_what_was_kept_is_said_when_it_does_not_fit() -> None:
    with pytest.raises(InvalidRequest, match=r"kept from before: bearer_token; null takes one away"):
        with_kept_secrets({**OPEN, "username": "u", "password": "p"}, BEFORE)


def test_another_type_keeps_nothing() -> None:
    other = {"type": "s3", "bucket": "sales", "access_key_id": "AKIA1", "secret_access_key": "x" * 16}

    assert "for-" not in str(vars(with_kept_secrets(other, BEFORE)))
    assert SecretStr("for-writing") not in vars(with_kept_secrets(other, BEFORE)).values()
