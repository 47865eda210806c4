"""How a connector to an HTTP receiver is configured."""

from typing import Any

import pytest
from pydantic import ValidationError

from export_pipeline.connectors.http import HttpConfig, address_of

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
    assert address_of("a b/c%2F?#ü.csv", a_config(url=url).url) == address


def test_a_location_is_the_address_without_its_query() -> None:
    assert a_config(url="https://x.example/in/$key?signature=hunter2").location == "https://x.example/in/$key"


def test_a_receiver_of_posts_may_have_one_address_for_all() -> None:
    config = a_config(url="https://x.example/in", method="POST")

    assert address_of("a", config.url) == "https://x.example/in"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("url", "receiver.example/$key"),
        ("url", "ftp://receiver.example/$key"),
        ("url", "https:///$key"),
        ("url", "https://a..b/$key"),
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


def test_files_may_be_shown_elsewhere_and_to_others() -> None:
    config = a_config(bearer_token="x", read={"url": "https://files.example/$key", "bearer_token": "y"})

    assert config.read is not None
    assert config.read.url == "https://files.example/$key"
    assert config.operators_only is None


@pytest.mark.parametrize(
    ("read", "field"),
    [
        ({"url": "files.example/$key"}, ("read", "url")),
        ({"url": "https://files.example/all"}, ("read",)),
        ({"bearer_token": "two words"}, ("read", "bearer_token")),
        ({"username": "me"}, ("read",)),
        ({"method": "GET"}, ("read", "method")),
    ],
)
def test_who_reads_is_checked_alike(read: dict[str, Any], field: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError) as caught:
        a_config(read=read)

    assert caught.value.errors()[0]["loc"] == field


def test_what_goes_to_one_address_may_be_shown_at_one_of_its_own() -> None:
    given = {"url": "https://x.example/in", "method": "POST"}

    assert a_config(**given, read={"url": "https://files.example/$key"}).read
    with pytest.raises(ValidationError, match="must hold"):
        a_config(**given, read={"bearer_token": "y"})
