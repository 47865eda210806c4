"""How a connector to an HTTP receiver is configured."""

from typing import Any

import pytest
from pydantic import ValidationError

from export_pipeline.connectors.http import HttpConfig

URL = "https://receiver.example/in/$key"


def a_config(**given: Any) -> HttpConfig:
    return HttpConfig.model_validate({"url": URL, **given})


@pytest.mark.parametrize(
    ("url", "address"),
    [
        (URL, "https://receiver.example/in/a%20b/c%252F%3F%23%C3%BC.csv"),
        ("https://x.example/?name=$key&v=1", "https://x.example/?name=a%20b/c%252F%3F%23%C3%BC.csv&v=1"),
    ],
)
def test_a_key_stands_in_the_address_as_addresses_are_written(url: str, address: str) -> None:
    assert a_config(url=url).address_of("a b/c%2F?#ü.csv") == address


def test_a_location_is_the_address_without_its_query() -> None:
    assert a_config(url="https://x.example/in/$key?signature=hunter2").location == "https://x.example/in/$key"


def test_a_receiver_of_posts_may_have_one_address_for_all() -> None:
    assert a_config(url="https://x.example/in", method="POST").address_of("a") == "https://x.example/in"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("url", "receiver.example/$key"),
        ("url", "ftp://receiver.example/$key"),
        ("url", "https:///$key"),
        ("url", "https://user:hunter2@receiver.example/$key"),
        ("url", "https://receiver.example/$key#part"),
        ("url", "https://receiver.example/a b/$key"),
        ("url", "https://receiver.example/$key\r\nX: y"),
        ("url", "https://receiver.example:0/$key"),
        ("url", "https://receiver.example\\@evil.example/$key"),
        ("url", "https://$key.example/"),
        ("url", "https://receiver.example/$date/$key"),
        ("method", "DELETE"),
        ("bearer_token", "two words"),
        ("bearer_token", "line\r\nX: y"),
        ("bearer_token", "**********"),
        ("username", "a:b"),
        ("username", "a\nb"),
    ],
)
def test_a_configuration_that_cannot_work_is_refused(field: str, value: str) -> None:
    given = {"password": "x"} if field == "username" else {}

    with pytest.raises(ValidationError) as caught:
        a_config(**given, **{field: value})

    assert caught.value.errors()[0]["loc"] == (field,)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"username": "me"}, "give both"),
        ({"password": "x"}, "give both"),
        ({"username": "me", "password": "x", "bearer_token": "y"}, "give one of them"),
        ({"url": "https://x.example/in"}, "must hold"),
        ({"url": "https://x.example/in", "method": "POST", "readable": True}, "must hold"),
    ],
)
def test_what_does_not_go_together_is_refused(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        a_config(**given)
