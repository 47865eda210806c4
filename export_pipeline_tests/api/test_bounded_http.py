"""What anybody may send without a key, and no more of it."""

import asyncio
import gc
import socket
import struct
import time
from collections.abc import Iterator
from itertools import repeat
from threading import Thread
from typing import Any, ClassVar
from weakref import ReferenceType, ref

import httpx
import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from export_pipeline.api.bounded_http import MOST_BEHIND, MOST_OF_A_HEAD, BoundedHttp
from export_pipeline_tests.api.conftest import Api

HEAD = b"GET /healthz HTTP/1.1\r\nHost: here\r\n"
CHUNKED = b"POST /nothing HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n"
CLOSED = CHUNKED.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
SLOW = HEAD.replace(b"/healthz", b"/slow")

# Far more than buffers hold.
ENDLESS = 64 << 20


def connected(api: Api) -> socket.socket:
    host, port = api.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=20)


class Impatient(BoundedHttp):
    seconds = 0.5
    last: ClassVar[ReferenceType[BoundedHttp] | None] = None

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        Impatient.last = ref(self)


async def largest_piece(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer, slowly where that is asked for, how much of the body was handed over at once."""
    largest, more = 0, True
    while more:
        message = await receive()
        largest = max(largest, len(message.get("body", b"")))
        more = message.get("more_body", False)
    if scope["path"] == "/slow":
        await asyncio.sleep(4 * Impatient.seconds)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"at most %d bytes" % largest})


@pytest.fixture(scope="module")
def impatient() -> Iterator[tuple[str, int]]:
    """The address of a server that waits for no head."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(
            largest_piece, http=Impatient, lifespan="off", log_level="critical", timeout_keep_alive=60
        )
        server = uvicorn.Server(config)
        thread = Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            yield listening.getsockname()
        finally:
            server.should_exit = True
            thread.join(20)


def told(line: socket.socket) -> bytes:
    """All until the connection is closed."""
    return b"".join(iter(lambda: line.recv(1 << 16), b""))


def sent(api: Api, first: bytes, more: bytes) -> int:
    """How much of it is taken before the connection is closed."""
    size = 0
    with connected(api) as line:
        try:
            line.sendall(first)
            for piece in _pieces(more):
                line.sendall(piece)
                size += len(piece)
        except ConnectionError:
            return size
    return ENDLESS


def _pieces(more: bytes) -> Iterator[bytes]:
    piece = more * (64_000 // len(more))
    return repeat(piece, ENDLESS // len(piece))


@pytest.mark.parametrize(
    ("first", "more"),
    [
        (HEAD, b"a:b\r\n"),
        (HEAD + b"a: ", b"b"),
        (b"GET /", b"a"),
        (b"GET ", b"a"),
        (CHUNKED + b"0\r\n", b"a:b\r\n"),
        (CHUNKED + b"0\r\na: ", b"b"),
        (CHUNKED + b"1;", b"a"),
        (b"", b"\r\n"),
    ],
    ids=["fields", "field", "address", "method", "trailers", "trailer", "extension", "blank lines"],
)
def test_what_has_no_end_is_not_taken(api: Api, first: bytes, more: bytes) -> None:
    assert sent(api, first, more) < ENDLESS / 4


@pytest.mark.parametrize("method", [b"GET", b"POST"])
def test_a_body_in_pieces_of_a_byte_is_not_thrown_away_for_ever(api: Api, method: bytes) -> None:
    assert sent(api, CHUNKED.replace(b"POST", method), b"1\r\na\r\n") < ENDLESS / 4


def test_a_large_head_is_taken(api: Api) -> None:
    size = MOST_OF_A_HEAD - 1_000

    assert httpx.get(f"{api.url}/healthz?a={'b' * size}").status_code == 200
    assert httpx.get(f"{api.url}/healthz", headers={"a": "b" * size}).status_code == 200
    refused = httpx.get(f"{api.url}/healthz", headers={"a": "b" * MOST_OF_A_HEAD})
    assert (refused.status_code, "larger than 65,536 bytes" in refused.text) == (400, True)


def test_fields_are_bounded_in_number(api: Api) -> None:
    """Each takes more than its bytes."""
    many = [(f"a{number}", "") for number in range(1_000)]

    assert httpx.get(f"{api.url}/healthz", headers=many).status_code == 400
    assert httpx.get(f"{api.url}/healthz", headers=many[:200]).status_code == 200


@pytest.mark.parametrize("before", [b"", SLOW + b"\r\n"], ids=["alone", "behind a slow answer"])
@pytest.mark.parametrize("begun", [HEAD, b"GET"])
def test_a_head_that_does_not_end_in_time_is_refused(
    impatient: tuple[str, int], before: bytes, begun: bytes
) -> None:
    """However long the answer before it takes, in which nothing may be read."""
    with socket.create_connection(impatient, timeout=20) as line:
        line.sendall(before)
        time.sleep(Impatient.seconds / 5)
        line.sendall(begun)
        answers = told(line)

    assert answers.count(b"HTTP/1.1 200") == bool(before)
    assert answers.count(b"HTTP/1.1 400") == 1
    assert answers.endswith(b"did not come in time; send it again.")


def test_requests_that_wait_are_bounded_in_all(impatient: tuple[str, int]) -> None:
    many = b"a:\r\n" * 300
    with socket.create_connection(impatient, timeout=20) as line:
        line.sendall(SLOW + b"\r\n" + (HEAD + many + b"\r\n") * 5)
        answer = told(line)

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"or those of all requests that wait for an answer, are larger than 65,536 bytes" in answer


def test_who_asks_nothing_is_not_waited_for(impatient: tuple[str, int]) -> None:
    with socket.create_connection(impatient, timeout=20) as line:
        assert told(line) == b""


def test_who_waits_for_an_answer_is_waited_for(impatient: tuple[str, int]) -> None:
    with socket.create_connection(impatient, timeout=20) as line:
        line.sendall(SLOW[:10])
        time.sleep(Impatient.seconds / 2)
        line.sendall(SLOW[10:] + b"Connection: close\r\n\r\n")

        assert told(line).startswith(b"HTTP/1.1 200")


def test_everybodys_turn_comes_between_the_pieces_of_a_body(impatient: tuple[str, int]) -> None:
    with socket.create_connection(impatient, timeout=20) as line:
        line.sendall(CLOSED + b"1\r\na\r\n" * 200_000 + b"0\r\n\r\n")
        answer = told(line)

    assert answer.startswith(b"HTTP/1.1 200")
    assert int(answer.rpartition(b"at most ")[2].split()[0]) < 10_000


def test_a_body_in_large_pieces_takes_few_turns(impatient: tuple[str, int]) -> None:
    with socket.create_connection(impatient, timeout=20) as line:
        line.sendall(CLOSED + (b"ffff\r\n" + b"a" * 0xFFFF + b"\r\n") * 100 + b"0\r\n\r\n")
        answer = told(line)

    assert int(answer.rpartition(b"at most ")[2].split()[0]) > 0xFFFF


@pytest.mark.parametrize("end", ["answered", "left", "reset"])
def test_a_connection_that_is_over_is_let_go_of(impatient: tuple[str, int], end: str) -> None:
    """Until somebody looks for cycles many connections come, and each may have sent much."""
    gc.disable()
    try:
        with socket.create_connection(impatient, timeout=20) as line:
            if end == "answered":
                line.sendall(SLOW + b"\r\n" + HEAD + b"Connection: close\r\n\r\n")
                assert told(line).count(b"HTTP/1.1 200") == 2
            elif end == "left":
                line.sendall(SLOW + b"\r\n" + HEAD + b"\r\n")
                time.sleep(Impatient.seconds)
            else:
                line.sendall(HEAD + b"\r\n")
                assert line.recv(1 << 16).startswith(b"HTTP/1.1 200")
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        assert Impatient.last is not None
        for _ in range(100):
            if Impatient.last() is None:
                return
            time.sleep(0.05)
    finally:
        gc.enable()
    pytest.fail("it is still held")


def test_a_few_requests_may_be_sent_at_once_and_not_many(api: Api) -> None:
    def answered(number: int) -> bytes:
        with connected(api) as line:
            line.sendall((HEAD + b"\r\n") * (number - 1) + HEAD + b"Connection: close\r\n\r\n")
            line.settimeout(20)
            return b"".join(iter(lambda: line.recv(1 << 16), b""))

    assert answered(MOST_BEHIND).count(b"HTTP/1.1 200") == MOST_BEHIND
    assert answered(10 * MOST_BEHIND).count(b"HTTP/1.1 200") <= MOST_BEHIND


def test_a_body_in_many_pieces_is_no_head(api: Api) -> None:
    """However much is sent of it."""
    key = api.key(api.organization())
    with api.client(key) as client:
        refused = client.post("/api/v1/keys", content=repeat(b" " * 1_000, 3_000))

    assert refused.status_code == 400
