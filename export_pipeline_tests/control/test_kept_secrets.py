"""Secrets are kept where they are, and go nowhere else."""

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


def test_what_was_kept_is_said_when_it_does_not_fit() -> None:
    with pytest.raises(InvalidRequest, match=r"kept from before: bearer_token; null takes one away"):
        with_kept_secrets({**OPEN, "username": "u", "password": "p"}, BEFORE)


def test_another_type_keeps_nothing() -> None:
    other = {"type": "s3", "bucket": "sales", "access_key_id": "AKIA1", "secret_access_key": "x" * 16}

    assert "for-" not in str(vars(with_kept_secrets(other, BEFORE)))
    assert SecretStr("for-writing") not in vars(with_kept_secrets(other, BEFORE)).values()
