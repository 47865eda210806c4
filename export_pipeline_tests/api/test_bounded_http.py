"""What anybody may send without a key, and no more of it."""

import socket
import time
from collections.abc import Iterator
from itertools import repeat

import httpx
import pytest

from export_pipeline.api.bounded_http import MOST_BEHIND, MOST_OF_A_HEAD
from export_pipeline_tests.api.conftest import Api

HEAD = b"GET /healthz HTTP/1.1\r\nHost: here\r\n"
CHUNKED = b"POST /nothing HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n"

# Far more than buffers hold.
ENDLESS = 64 << 20


def connected(api: Api) -> socket.socket:
    host, port = api.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=20)


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


@pytest.mark.parametrize("apart", [False, True])
def test_a_body_behind_the_wish_for_another_protocol_is_refused_and_is_no_request(
    api: Api, apart: bool
) -> None:
    """Not dropped: what takes none as well would be done without it."""
    body = HEAD + b"\r\n"
    head = (
        b"POST /nothing HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"
        + f"Content-Length: {len(body)}\r\n\r\n".encode()
    )
    with connected(api) as line:
        for piece in (head, body) if apart else (head + body,):
            line.sendall(piece)
            time.sleep(0.05)
        answer = b"".join(iter(lambda: line.recv(1 << 16), b""))

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"not taken with the field Upgrade; leave that out" in answer


def test_who_wishes_for_another_protocol_and_sends_no_body_is_answered(api: Api) -> None:
    wish = {"Connection": "Upgrade", "Upgrade": "h2c"}

    assert httpx.get(f"{api.url}/healthz", headers=wish).status_code == 200


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
