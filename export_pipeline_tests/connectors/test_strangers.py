"""Whoever takes a website for a store is told so, and not that we have a bug."""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from export_pipeline.connectors.azure import AzureConfig
from export_pipeline.connectors.checking import check
from export_pipeline.connectors.destination import Destination
from export_pipeline.connectors.limits import shown
from export_pipeline.connectors.s3 import S3Config
from export_pipeline.connectors.strangers import MISREAD, Odd, a_bug, no_store, taken_from_an_answer
from export_pipeline.connectors.streamed import unnamed
from export_pipeline.errors import HourFailed, PermanentFailure
from export_pipeline_tests.connectors.objects import led_to, put
from export_pipeline_tests.servers.azure import AzureServer
from export_pipeline_tests.servers.gcs import GcsServer
from export_pipeline_tests.servers.s3 import S3Server
from export_pipeline_tests.servers.site import Site, site

Opened = Callable[[Site], Destination]

ODD = [
    ({"Content-Type": "text/html"}, b"<!doctype html><html><body>Welcome</body></html>"),
    ({"Content-Type": "application/json"}, b"[]"),
    ({"Content-Type": "application/json"}, b'{"size": "abc", "generation": 1}'),
    ({"Content-Type": "application/xml", "ETag": '"x"', "Last-Modified": "nonsense"}, b"<a/>"),
]
USES: list[Callable[[Destination], Any]] = [
    lambda there: there.head("a"),
    lambda there: put(there, "a", b"1"),
]


@pytest.fixture(params=["azure", "gcs", "s3"])
def opened(
    request: pytest.FixtureRequest, azure_server: AzureServer, gcs_server: GcsServer, s3_server: S3Server
) -> Opened:
    """Connectors of that type, to whatever answers there."""
    server: Any = {"azure": azure_server, "gcs": gcs_server, "s3": s3_server}[request.param]
    return lambda running: led_to(running.url, server.config("any")).open()


def test_a_website_is_no_store(opened: Opened) -> None:
    with site() as running, pytest.raises(PermanentFailure, match="check the address"):
        opened(running).head("a")


def test_a_check_says_that_a_website_is_no_store(opened: Opened) -> None:
    with site() as running:
        *_, last = check(opened(running), running.url)

    assert (last.ok, last.passes) == (False, False)
    assert "is not a store of this kind; check the address" in last.message


@pytest.mark.parametrize(("fields", "body"), ODD)
def test_no_odd_answer_is_our_bug(opened: Opened, fields: dict[str, str], body: bytes) -> None:
    with site() as running:
        running.answer(200, {**fields, "Content-Length": str(len(body))}, [body])
        for use in USES:
            with suppress(HourFailed):
                use(opened(running))


@pytest.mark.parametrize("kind", MISREAD)
def test_what_was_stumbled_over_is_named_and_quoted_nowhere(kind: type[Exception]) -> None:
    failure = no_store("could not read 'a'", "https://store.example", kind("secret"))

    assert str(failure).startswith("could not read 'a': what answers at https://store.example is not a store")
    assert kind.__name__ in str(failure)
    assert "secret" not in str(failure)


def test_a_mistake_of_ours_is_a_bug(opened: Opened) -> None:
    nothing: Any = None
    with site() as running:
        there: Any = opened(running)
        for mistake in (lambda: unnamed(nothing), lambda: shown(nothing)):
            with pytest.raises((AttributeError, TypeError)), there.writer.translated("write", "a"):
                mistake()


@pytest.mark.parametrize("kind", MISREAD)
def test_what_we_stumble_over_in_an_answer_is_odd(kind: type[Exception]) -> None:
    with pytest.raises(Odd) as caught, taken_from_an_answer():
        raise kind("secret")

    assert not a_bug(caught.value)
    failure = no_store("could not read 'a'", "https://store.example", caught.value)
    assert kind.__name__ in str(failure)
    assert "secret" not in str(failure)


def get_frozen_credentials() -> None:
    """As in Amazon's client, and over what it would stumble: another's answer."""
    json.loads("<html>")


def get_token() -> None:
    """The same of Microsoft's."""
    json.loads("<html>")


def parsed() -> None:
    json.loads("<html>")


@pytest.mark.parametrize(
    ("stumble", "unheard"), [(get_frozen_credentials, False), (get_token, False), (parsed, True)]
)
@pytest.mark.parametrize(
    "config", [S3Config(bucket="sales"), AzureConfig(account_name="acme", container="sales")]
)
def test_where_the_machine_asks_for_its_own_credentials_the_store_has_heard_nothing(
    config: S3Config | AzureConfig, stumble: Callable[[], None], unheard: bool
) -> None:
    there: Any = config.open()
    with pytest.raises(PermanentFailure) as caught, there.writer.translated("write", "a"):
        stumble()

    assert caught.value.unheard is unheard


def test_what_a_client_stumbles_over_is_no_bug() -> None:
    with pytest.raises(ValueError, match="Expecting value") as caught:
        json.loads("<html>")

    assert not a_bug(caught.value)
