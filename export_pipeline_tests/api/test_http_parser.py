"""Requests of clients that would rather speak HTTP/2."""

import json
import socket
import time

import pytest

from export_pipeline_tests.api.conftest import Api

KEY = json.dumps({"name": "a wish", "privileges": ["exports:view"]}).encode()
WISH = (
    b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
    b"HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n"
)


def answers(api: Api, *pieces: bytes) -> list[bytes]:
    """What is answered to each of the requests, which come in pieces."""
    host, port = api.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as line:
        for piece in pieces:
            line.sendall(piece)
            time.sleep(0.05)
        line.sendall(b"GET /healthz HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
        whole = b"".join(iter(lambda: line.recv(1 << 16), b""))
    found = whole.split(b"HTTP/1.1 ")
    assert (found[0], found[-1][:3]) == (b"", b"200"), whole
    return found[1:-1]


def posted(api: Api, body: bytes, *, wish: bytes = WISH, chunked: bool = False) -> tuple[bytes, bytes]:
    """A request's head and its body: whoever sends it may create keys."""
    key = api.key(api.organization()).encode()
    framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % len(body)
    head = b"POST /api/v1/keys HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n"
    head += b"X-Api-Key: " + key + b"\r\n" + wish + framing
    pieces = b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in (body[:5], body[5:]))
    return head + b"\r\n\r\n", pieces + b"0\r\n\r\n" if chunked else body


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize("pieces", [1, 2, 9], ids=["at once", "apart", "in pieces"])
def test_a_body_behind_the_wish_for_another_protocol_is_read(api: Api, pieces: int, chunked: bool) -> None:
    whole = b"".join(posted(api, KEY, chunked=chunked))
    size = -(-len(whole) // pieces)

    [answer] = answers(api, *(whole[at : at + size] for at in range(0, len(whole), size)))

    assert answer.startswith(b"201 ")
    assert b'"name":"a wish"' in answer


def test_a_body_that_comes_behind_its_head_is_read(api: Api) -> None:
    [answer] = answers(api, *posted(api, KEY))

    assert answer.startswith(b"201 ")


def test_requests_that_are_sent_at_once_are_answered_one_by_one(api: Api) -> None:
    one = b"".join(posted(api, KEY))
    other = b"GET /healthz HTTP/1.1\r\nHost: here\r\n" + WISH + b"\r\n"

    found = answers(api, one + other + one + other + other + one)

    assert [answer[:3] for answer in found] == [b"201", b"200", b"201", b"200", b"200", b"201"]


def test_a_body_is_no_request(api: Api) -> None:
    body = b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n"

    [answer] = answers(api, *posted(api, body))

    assert answer.startswith(b"400 ")


@pytest.mark.parametrize("wish", [b"Connection: Upgrade\r\nUpgrade: websocket\r\n", b"Upgrade: h2c\r\n", b""])
def test_whatever_is_wished_for_is_answered_in_http(api: Api, wish: bytes) -> None:
    [answer] = answers(api, *posted(api, KEY, wish=wish))

    assert answer.startswith(b"201 ")


@pytest.mark.parametrize("body", [KEY, b""], ids=["body", "empty"])
@pytest.mark.parametrize(
    ("wish", "version"),
    [
        (b"Connection: close, Upgrade\r\nUpgrade: h2c\r\n", b"1.1"),
        (WISH + b"Connection: close\r\n", b"1.1"),
        (WISH, b"1.0"),
    ],
)
def test_a_body_is_read_where_the_connection_is_to_be_closed(
    api: Api, wish: bytes, version: bytes, body: bytes
) -> None:
    whole = b"".join(posted(api, body, wish=wish)).replace(b"HTTP/1.1", b"HTTP/" + version, 1)
    host, port = api.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as line:
        line.sendall(whole)
        answer = b"".join(iter(lambda: line.recv(1 << 16), b""))

    assert answer.startswith(b"HTTP/1.1 201 " if body else b"HTTP/1.1 400 ")


def test_a_body_of_no_bytes_has_an_end(api: Api) -> None:
    [answer] = answers(api, *posted(api, b""))

    assert answer.startswith(b"400 ")


def test_what_is_framed_twice_is_refused(api: Api) -> None:
    head, body = posted(api, KEY)
    host, port = api.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as line:
        line.sendall(head.replace(b"Content-Length", b"Transfer-Encoding: chunked\r\nContent-Length") + body)

        assert line.recv(1 << 16).startswith(b"HTTP/1.1 400 ")
