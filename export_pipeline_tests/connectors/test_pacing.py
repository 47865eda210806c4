"""What is read back has an end, in bytes and in time."""

import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_network
from itertools import repeat

import pytest
import requests
from urllib3.exceptions import ReadTimeoutError

from export_pipeline.connectors import http_requests
from export_pipeline.connectors.addresses import allow
from export_pipeline.connectors.confined import Confined
from export_pipeline.connectors.confined_requests import ConfinedAdapter, confined
from export_pipeline.connectors.pacing import PacedResponse, paced
from export_pipeline.connectors.s3_network import ConfinedSession
from export_pipeline.errors import TransientFailure


def dripping() -> Iterator[bytes]:
    while True:
        time.sleep(0.01)
        yield b"x"


def test_all_of_it_comes_through() -> None:
    assert [*paced([b"abc", b"", b"de"], 5)] == [b"abc", b"", b"de"]


def test_what_is_too_long_is_read_until_that_is_seen() -> None:
    assert [*paced(repeat(b"xx"), 5)] == [b"xx", b"xx", b"xx"]


def test_what_comes_too_slowly_is_given_up() -> None:
    with pytest.raises(TransientFailure, match=r"of 100,000 bytes the store gave .* look why it is so slow"):
        for _ in paced(dripping(), 100_000, seconds=0.1, slowest=1_000_000):
            pass


def test_a_large_file_may_take_its_time() -> None:
    assert len([*paced((next(dripping()) for _ in range(30)), 30, seconds=0.0, slowest=1)]) == 30


class Impatient(PacedResponse):
    seconds = 0.1
    slowest = 1_000_000


class Asking(Confined):
    response_class = Impatient


def saying(answer: bytes, ending: bytes = b"") -> Iterator[bytes]:
    yield answer
    for _ in range(1_000):
        time.sleep(0.01)
        yield b"1"
    yield ending


@contextmanager
def slow(pieces: Iterable[bytes]) -> Iterator[int]:
    """The port of a server that says these pieces to whoever asks first."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection, suppress(OSError):
                connection.recv(1 << 16)
                for piece in pieces:
                    connection.sendall(piece)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        thread.join()


@pytest.fixture
def loopback() -> Iterator[None]:
    allow([ip_network("127.0.0.0/8")])
    yield
    allow([])


@pytest.mark.usefixtures("loopback")
@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 ",
        b"HTTP/1.1 200 OK\r\nField: ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1",
        b"HTTP/1.1 403 Forbidden\r\nContent-Length: 1000\r\n\r\n",
    ],
)
def test_an_answer_that_comes_byte_by_byte_is_given_up(answer: bytes) -> None:
    with slow(saying(answer)) as port:
        asking = Asking("127.0.0.1", port, timeout=60)
        asking.request("GET", "/", preload_content=False)
        with pytest.raises((TimeoutError, ReadTimeoutError)):
            asking.getresponse().read()
        asking.close()


@pytest.mark.usefixtures("loopback")
def test_only_what_is_waited_for_counts() -> None:
    with slow([b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na", b"b"]) as port:
        asking = Asking("127.0.0.1", port, timeout=60)
        asking.request("GET", "/", preload_content=False)
        answer = asking.getresponse()
        time.sleep(0.2)
        assert answer.read() == b"ab"
        asking.close()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_whoever_calls_on_customers_stores_is_patient_only_so_long(scheme: str) -> None:
    url = f"{scheme}://store.example"
    with requests.Session() as session:
        confined(session)
        adapter = session.get_adapter(url)
        assert isinstance(adapter, ConfinedAdapter)
        pools = adapter.poolmanager, ConfinedSession(authorities=None)._manager
        callers = [pool.connection_from_url(url).ConnectionCls for pool in pools]

    for caller in [*callers, http_requests._Connection]:
        assert getattr(caller, "response_class", None) is PacedResponse
