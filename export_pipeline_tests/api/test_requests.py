"""What holds for every request: its id, its size, its line in the log."""

import inspect
import re
import socket
import threading
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterator, MutableMapping
from contextlib import ExitStack, contextmanager
from typing import Any

import anyio
import httpx
import pytest
import uvicorn
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from export_pipeline.api.app import application
from export_pipeline.api.held import UNCOUNTED
from export_pipeline.api.requests import MOST_BYTES, MOST_COMMAS, UNREAD, EveryRequest
from export_pipeline_tests.api.bitbroker.parties import a_contributor, an_entity_type
from export_pipeline_tests.api.conftest import Api, Somebody
from export_pipeline_tests.servers.ports import free_port

KEYS = "/api/v1/keys"


@pytest.mark.parametrize("path", ["/healthz", KEYS, "/nothing", "/docs"])
def test_every_answer_has_an_id(api: Api, path: str) -> None:
    ids = {httpx.get(api.url + path).headers["X-Request-ID"] for _ in range(2)}

    assert len(ids) == 2
    assert all(uuid.UUID(one) for one in ids)


def test_the_clients_own_id_is_kept_where_it_is_one(api: Api) -> None:
    def answered(given: str) -> httpx.Response:
        return httpx.get(api.url + KEYS, headers={"X-Request-ID": given})

    refused = answered("job-17.a_b")
    assert refused.headers["X-Request-ID"] == "job-17.a_b"
    assert refused.json()["request_id"] == "job-17.a_b"
    for bad in ("a b", "x" * 65, "a;b"):
        assert answered(bad).headers["X-Request-ID"] != bad


def test_a_body_that_is_too_large_is_refused_however_it_is_sent(admin: Somebody) -> None:
    def pieces() -> Iterator[bytes]:
        yield b'{"name": "'
        for _ in range(MOST_BYTES // (1 << 16) + 1):
            yield b"x" * (1 << 16)

    for content in (b"".join(pieces()), pieces()):
        refused = admin.post(KEYS, content=content, headers={"Content-Type": "application/json"})
        assert refused.status_code == 413
        assert "send less" in refused.json()["detail"]


@pytest.mark.parametrize(
    ("path", "content"),
    [
        (KEYS, b'{"name": "a", "privileges": [%s]}'),
        ("/api/v1/tasks", b'{"export": "a", "of": [%s]}'),
        ("/v1/jobs", b'{"job_type": "export", "payload": {"query": {"query": {"dimensions": [%s]}}}}'),
    ],
)
def test_a_body_with_more_values_than_anybody_means_is_refused_at_once(
    admin: Somebody, path: str, content: bytes
) -> None:
    headers = {"Content-Type": "application/json"}
    many, some = b",".join([b"1"] * (MOST_COMMAS + 2)), b",".join([b"1"] * 1_000)

    refused = admin.post(path, content=content % many, headers=headers)
    looked_at = admin.post(path, content=content % some, headers=headers)

    assert refused.status_code == 413
    assert "more than 50,000 values; send less" in refused.text
    assert looked_at.status_code == 400


def test_records_may_hold_as_many_values_as_fit(api: Api, admin: Somebody) -> None:
    an_entity_type(admin, schema={"type": "object"})
    with a_contributor(api, admin) as contributor:
        told = contributor.contribute({"id": "a", "name": "a", "entity": {"a": [1] * (MOST_COMMAS + 2)}})

    assert [*told] == ["a"]


def test_what_is_no_json_is_said_without_a_value(admin: Somebody) -> None:
    refused = admin.post(KEYS, content=b'{"name": secret-text', headers={"Content-Type": "application/json"})

    assert refused.status_code == 400
    assert "the body is not JSON" in refused.json()["detail"]
    assert "secret-text" not in refused.text


def test_a_body_that_is_no_object_is_said_to_be_none(admin: Somebody) -> None:
    assert "the body is no object; write one" in admin.post(KEYS, json=["name"]).json()["detail"]


def test_json_that_is_sent_as_something_else_is_told_how_it_is_sent(admin: Somebody) -> None:
    """As curl sends it, unless it is told."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    refused = admin.post(KEYS, content=b'{"name": "nightly"}', headers=form)

    assert refused.status_code == 400
    assert "send it with Content-Type: application/json" in refused.json()["detail"]


def test_the_log_names_the_request_and_no_key(api: Api) -> None:
    key = api.key(api.organization())
    marked = f"seen-{uuid.uuid4().hex}"

    httpx.get(f"{api.url}{KEYS}", params={"X-Api-Key": key}, headers={"X-Request-ID": marked})

    assert f"GET {KEYS} 200" in api.logged(marked)
    assert key not in api.log.read_text()


def test_a_path_cannot_write_a_line_of_its_own_into_the_log(api: Api) -> None:
    answer = httpx.get(f"{api.url}/a%0AERROR%20forged-line")

    assert "forged-line" in api.logged(answer.headers["X-Request-ID"])
    assert not any(line.startswith("ERROR forged-line") for line in api.log.read_text().splitlines())


class Line:
    """What a client sends, bit by bit, and then nothing more."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = list(pieces)
        self.status: int | None = None

    async def receive(self) -> dict[str, Any]:
        if self._pieces:
            return {"type": "http.request", "body": self._pieces.pop(0), "more_body": True}
        await anyio.sleep_forever()
        raise AssertionError

    async def send(self, message: MutableMapping[str, Any]) -> None:
        self.status = message.get("status", self.status)


async def asked(limited: EveryRequest, line: Line) -> None:
    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": []}
    await limited(scope, line.receive, line.send)


def every_request(application: ASGIApp, **limits: Any) -> EveryRequest:
    """Around an application of which everybody who asks is known."""
    return EveryRequest(
        application, lambda _: PlainTextResponse("", 500), "/records", known=lambda _: True, **limits
    )


def limited(**limits: Any) -> EveryRequest:
    """An application that reads its body and answers, in those limits."""

    async def read(request: Request) -> PlainTextResponse:
        return PlainTextResponse(str(len(await request.body())))

    application = Starlette(routes=[Route("/", read, methods=["POST"])])
    return every_request(application, **limits)


def test_a_body_that_does_not_end_is_not_waited_for() -> None:
    line = Line(b"a", b"b")
    anyio.run(asked, limited(seconds=0.1), line)
    assert line.status == 408


def test_all_bodies_together_are_bounded_until_they_are_answered() -> None:
    large = bytes(UNCOUNTED + 7)
    application = limited(seconds=0.3, most_held=10)

    async def together() -> list[int | None]:
        lines = [Line(large), Line(large)]
        async with anyio.create_task_group() as group:
            for line in lines:
                group.start_soon(asked, application, line)
                await anyio.sleep(0.1)  # each asks a thread for its key first, which may come later
        return [line.status for line in lines]

    assert anyio.run(together) == [503, 408]
    last = Line(large)
    anyio.run(asked, application, last)
    assert last.status == 408


@pytest.mark.parametrize("gone", [{"type": "http.disconnect"}, RuntimeError("<TCP>; the handler is closed")])
def test_a_client_that_has_gone_is_no_bug_of_ours(gone: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Before its body ended, or while the server's loop wrote to it."""

    async def read(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse(await Request(scope, receive).body())(scope, receive, send)

    class Leaving(Line):
        async def receive(self) -> dict[str, Any]:
            return gone if isinstance(gone, dict) else {"type": "http.request", "body": b""}

        async def send(self, _: MutableMapping[str, Any]) -> None:
            assert isinstance(gone, RuntimeError)
            raise gone

    caplog.set_level("INFO", "export_pipeline.api")
    anyio.run(asked, every_request(read), Leaving())

    assert "the client has gone" in caplog.text
    assert "unexpected" not in caplog.text
    assert (" 499 " in caplog.text) is isinstance(gone, dict)


def test_no_route_reads_what_is_sent_with_a_method_that_sends_nothing(api: Api) -> None:
    """What is read would be neither counted nor limited."""
    all_routes = iter_route_contexts(application(api.installation.deployment).routes)
    routes = [route for route in all_routes if isinstance(route.original_route, APIRoute)]
    reading = Counter(
        method for route in routes for method in route.methods or () if _reads_its_body(route.dependant)
    )

    assert set(UNREAD) < {method for route in routes for method in route.methods or ()}
    assert not reading.keys() & set(UNREAD)
    assert reading["POST"] > 20


def _reads_its_body(dependant: Dependant) -> bool:
    """Whether a body is what it takes, or it reads one by itself."""
    source = inspect.getsource(dependant.call) if inspect.isroutine(dependant.call) else ""
    return (
        bool(dependant.body_params)
        or re.search(r"\.(body|stream|json|form)\(\)", source) is not None
        or any(_reads_its_body(one) for one in dependant.dependencies)
    )


MOST = 1 << 20


@pytest.fixture
def url() -> Iterator[str]:
    """An application that reads what is posted, and has a long stream for who reads nothing else; bodies have
    a megabyte together, and a second each.
    """

    async def posted(request: Request) -> Response:
        return PlainTextResponse(str(len(await request.body())))

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(30):
            yield bytes(1 << 16)
            await anyio.sleep(0.05)

    async def streamed(_: Request) -> Response:
        return StreamingResponse(pieces())

    routes = [
        Route("/", posted, methods=["POST"]),
        Route("/", streamed),
        Route("/streamed", streamed, methods=["POST"]),
    ]
    limited = every_request(Starlette(routes=routes), seconds=1, most_held=MOST)
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(limited, port=port, log_level="critical"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def held_back(url: str, method: str, size: int, path: str = "/") -> Iterator[socket.socket]:
    """A request of whose body the last byte does not come."""
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\nContent-Length: {size + 1}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", int(url.rstrip("/").rpartition(":")[2]))) as line:
        line.sendall(head.encode() + bytes(size))
        yield line


def answered(line: socket.socket) -> bytes:
    return b"".join(iter(lambda: line.recv(1 << 20), b""))


def test_who_holds_bodies_back_keeps_nobody_from_sending_theirs(url: str) -> None:
    with ExitStack() as opened:
        lines = [opened.enter_context(held_back(url, "POST", MOST // 4)) for _ in range(8)]

        small, large = (httpx.post(url, content=bytes(size)) for size in (1_000, MOST // 2))
        first = answered(lines[0])

    assert (small.status_code, large.status_code, large.text) == (200, 200, str(MOST // 2))
    assert first.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nretry-after: 5\r\n" in first.lower()


@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("POST", "/streamed")])
def test_what_comes_while_an_answer_is_on_its_way_neither_ends_that_nor_counts(
    url: str, method: str, path: str
) -> None:
    """However much it is, and however slowly it comes."""
    with ExitStack() as opened:
        lines = [opened.enter_context(held_back(url, method, MOST_BYTES + 1, path)) for _ in range(3)]

        large = httpx.post(url, content=bytes(MOST // 2))
        answers = [answered(line) for line in lines]

    assert large.status_code == 200
    assert [answer.endswith(b"\r\n0\r\n\r\n") for answer in answers] == [True] * 3
    assert min(map(len, answers)) > 30 << 16
