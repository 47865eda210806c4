"""Refusals that Azure's client cannot read to their end are judged as any other."""

from collections.abc import Mapping
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from export_pipeline.connectors.azure_refusals import as_refused, code_of
from export_pipeline.errors import Denied, HourFailed, Kept, NotFound, PermanentFailure, TransientFailure
from export_pipeline_tests.connectors.objects import keys, led_to, put, read
from export_pipeline_tests.servers.azure import AzureServer
from export_pipeline_tests.servers.fault_proxy import Instead, Once, Request, fault_proxy
from export_pipeline_tests.servers.site import site

XML, JSON = {"Content-Type": "application/xml"}, {"Content-Type": "application/json"}
UNREADABLE: Mapping[str, tuple[Mapping[str, str], bytes]] = {
    "no message": (XML, b"<Error><Code>ServerBusy</Code></Error>"),
    "no text in it": (XML, b"<Error><Code>ServerBusy</Code><Message/></Error>"),
    "of a word that nobody knows": (XML, b"<Error><Code>Tired</Code></Error>"),
    "no text": (JSON, b'{"error": {"code": "ServerBusy", "message": 5}}'),
    "no object": (JSON, b"5"),
}


def is_joined(request: Request) -> bool:
    return request.method == "PUT" and "comp=blocklist" in request.path


@pytest.mark.parametrize(("fields", "body"), UNREADABLE.values(), ids=UNREADABLE)
@pytest.mark.parametrize(
    ("status", "kind", "says"),
    [
        (403, Denied, "check the connector's credentials and what they may do (status 403)"),
        (429, TransientFailure, "the store asks to try again later (status 429)"),
        (503, TransientFailure, "the store asks to try again later (status 503)"),
    ],
)
def test_a_refusal_without_a_message_is_judged_by_its_status(
    azure_server: AzureServer,
    fields: Mapping[str, str],
    body: bytes,
    status: int,
    kind: type[HourFailed],
    says: str,
) -> None:
    with site() as running:
        running.answer(status, {**fields, "Retry-After": "3600"}, [body])
        with pytest.raises(kind) as caught:
            led_to(running.url, azure_server.config("any")).open().delete("a.csv")

    assert type(caught.value) is kind
    assert says in str(caught.value)
    assert not caught.value.unheard
    if isinstance(caught.value, TransientFailure):
        assert caught.value.wait == 3600


def test_a_busy_store_is_asked_again_however_it_says_so(azure_server: AzureServer) -> None:
    config = azure_server.config(azure_server.new_container())
    busy = Instead(status="503 Server Busy", body=b"<Error><Code>ServerBusy</Code></Error>")
    with fault_proxy(azure_server.port, Once(busy, is_joined)) as proxy:
        put(led_to(proxy.url, config).open(), "a.csv", b"1")

    assert read(config.open(), "a.csv") == b"1"


def test_the_word_of_a_refusal_is_heard_in_its_fields(azure_server: AzureServer) -> None:
    config = azure_server.config(azure_server.new_container())
    kept = Instead(
        status="409 Conflict",
        body=b"<Error><Code>BlobImmutableDueToPolicy</Code></Error>",
        fields={"x-ms-error-code": "BlobImmutableDueToPolicy"},
    )
    with fault_proxy(azure_server.port, Once(kept, is_joined)) as proxy, pytest.raises(Kept):
        put(led_to(proxy.url, config).open(), "a.csv", b"1")


def test_what_is_not_there_is_not_there_however_that_is_said(azure_server: AzureServer) -> None:
    body = [b"<Error><Code>BlobNotFound</Code></Error>"]
    with site() as running:
        running.answer(404, {**XML, "x-ms-error-code": "BlobNotFound"}, body)
        destination = led_to(running.url, azure_server.config("any")).open()

        destination.delete("a.csv")
        with pytest.raises(NotFound, match=r"there is no 'a\.csv'"):
            read(destination, "a.csv")

        running.answer(404, {**XML, "x-ms-error-code": "ContainerNotFound"}, body)
        with pytest.raises(PermanentFailure, match="no such container"):
            keys(destination)


def test_other_mistakes_stay_what_they_are() -> None:
    nothing: Any = None
    with pytest.raises(TypeError), as_refused():
        len(nothing)


def test_a_refusal_in_no_words_has_none() -> None:
    assert code_of(HttpResponseError("no answer")) == ""
