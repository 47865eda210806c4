"""The identity endpoint gives tokens to those who belong there."""

import json
import urllib.request
from urllib.error import HTTPError

import pytest

from export_pipeline_tests.servers.azure_identity import STORAGE, Endpoint, managed_identity


def ask(endpoint: Endpoint, secret: str) -> str:
    url = f"{endpoint.variables['IDENTITY_ENDPOINT']}?resource={STORAGE}&api-version=2019-08-01"
    request = urllib.request.Request(url, headers={"X-IDENTITY-HEADER": secret})
    with urllib.request.urlopen(request) as answer:
        token: str = json.load(answer)["access_token"]
    return token


def test_it_gives_a_token_to_who_knows_the_secret() -> None:
    with managed_identity() as endpoint:
        assert ask(endpoint, endpoint.secret).count(".") == 2
        assert endpoint.asked[0]["resource"] == STORAGE


def test_it_gives_none_to_others() -> None:
    with managed_identity() as endpoint, pytest.raises(HTTPError, match="400"):
        ask(endpoint, "guessed")
