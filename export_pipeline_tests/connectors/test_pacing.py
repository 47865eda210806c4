"""What is read back has an end, in bytes and in time."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPException, parse_headers
from ipaddress import ip_network
from itertools import repeat
from pathlib import Path

import pytest
import requests
from urllib3.exceptions import ProtocolError, ReadTimeoutError

from export_pipeline.connectors import http_requests
from export_pipeline.connectors.addresses import allow
from export_pipeline.connectors.confined import Confined, ConfinedTls
from export_pipeline.connectors.confined_requests import ConfinedAdapter, confined
from export_pipeline.connectors.pacing import BYTES_OF_LINES, PacedConnection, PacedResponse, listed, paced
from export_pipeline.connectors.s3_network import ConfinedSession
from export_pipeline.errors import TransientFailure
from export_pipeline_tests.servers.certificates import Certificates, certificates


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


def test_pages_of_a_list_may_be_empty() -> None:
    assert [*listed([[], [1, 2], [], [3], []])] == [1, 2, 3]


def test_a_list_of_empty_pages_only_has_an_end() -> None:
    def pages() -> Iterator[list[int]]:
        while True:
            time.sleep(0.01)
            yield []

    with pytest.raises(TransientFailure, match="empty pages of its list"):
        [*listed(pages(), seconds=0.1)]


class Impatient(PacedResponse):
    seconds = 0.1
    slowest = 1_000_000


class Asking(Confined):
    response_class = Impatient


CONTINUE = b"HTTP/1.1 100 Continue\r\n"
PROCESSING = b"HTTP/1.1 102 Processing\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


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
                # What is closed while something of the request has not been read takes the answer with it.
                connection.shutdown(socket.SHUT_WR)
                connection.settimeout(5)
                while connection.recv(1 << 16):
                    pass

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
        PROCESSING,
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


PIECES = 400


@pytest.mark.usefixtures("loopback")
@pytest.mark.parametrize(
    ("beginning", "piece"),
    [
        (b"", (CONTINUE + b"\r\n") * 10_000),
        (b"", (CONTINUE + b"Field: value\r\n\r\n") * 10_000),
        (b"", HINTS * 10_000),
        (b"", b"x" * 250_000),
        (CHUNKED + b"1\r\nx\r\n0\r\n", b"Field: value\r\n" * 16_000),
        (CHUNKED + b"1;", b"x" * 250_000),
        (CHUNKED, (b"1;" + b"x" * 1_000 + b"\r\nx\r\n") * 250),
    ],
    ids=["leave", "leave with fields", "hints", "status", "trailers", "line of a chunk", "lines of chunks"],
)
def test_what_is_said_beside_an_answer_has_an_end(beginning: bytes, piece: bytes) -> None:
    sent = 0

    def saying_more() -> Iterator[bytes]:
        nonlocal sent
        yield beginning
        for _ in range(PIECES):
            yield piece
            sent += 1

    with slow(saying_more()) as port, closing(Confined("127.0.0.1", port, timeout=60)) as asking:
        asking.request("GET", "/", preload_content=False)
        with pytest.raises((HTTPException, ProtocolError)):
            asking.getresponse().read()

    assert sent < PIECES


@pytest.mark.usefixtures("loopback")
@pytest.mark.parametrize("connection", [Confined, http_requests._Connection])
def test_what_is_said_before_the_answer_is_not_the_answer(connection: Callable[..., HTTPConnection]) -> None:
    before = [CONTINUE + b"\r\n", PROCESSING + b"\r\n", HINTS, PROCESSING + b"\r\n"]
    options = {"tls": False} if connection is http_requests._Connection else {}
    with (
        slow([*before, b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nab"]) as port,
        closing(connection("127.0.0.1", port, **options)) as asking,
    ):
        asking.request("PUT", "/", b"1")
        answer = asking.getresponse()
        assert (answer.status, answer.headers["Content-Length"]) == (201, "2")


@pytest.mark.usefixtures("loopback")
def test_after_another_protocol_no_answer_is_waited_for() -> None:
    with (
        slow([b"HTTP/1.1 101 Switching Protocols\r\n\r\n"]) as port,
        closing(Confined("127.0.0.1", port, timeout=60)) as asking,
    ):
        asking.request("PUT", "/", b"1")
        assert asking.getresponse().status == 101


@pytest.mark.usefixtures("loopback")
def test_content_may_come_in_the_smallest_chunks() -> None:
    size = BYTES_OF_LINES  # whose lines are more than that
    pieces = [CHUNKED, b"1\r\nx\r\n" * size, b"0\r\n\r\n"]

    with slow(pieces) as port, closing(Confined("127.0.0.1", port, timeout=60)) as asking:
        asking.request("GET", "/", preload_content=False)
        assert asking.getresponse().read() == b"x" * size


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
        assert issubclass(caller, PacedConnection)


BODY = b"x" * (4 << 20)  # of which the system takes less than half off our hands
BIT = 1 << 18
ROOM: list[tuple[int, int, int | bytes]] = [(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 16)]


class Hasty(ConfinedTls):
    """Has patience for each piece."""

    seconds_per_piece = 2.0


class Restless(Confined):
    """Has a little patience for each piece."""

    seconds_per_piece = 0.2


class Strict(Confined):
    """Has patience for all pieces together."""

    seconds = 0.5
    slowest = 1 << 24


def taking(connection: socket.socket, pause: float = 0.0) -> None:
    """Take a body bit by bit, with a pause before each bit, and answer."""
    with connection.makefile("rb") as asked:
        asked.readline()
        left = int(parse_headers(asked)["Content-Length"])
        while left:
            time.sleep(pause)
            bit = asked.read(min(BIT, left))
            if not bit:
                return
            left -= len(bit)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


@contextmanager
def serving(serve: Callable[[socket.socket], None], tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """The port of a server that does so with who calls first, and hangs up when the block is over."""
    over = threading.Event()

    def answer(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with (
            suppress(OSError),
            tls.wrap_socket(connection, server_side=True) if tls else connection as called,
        ):
            serve(called)
            over.wait(30)

    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        thread = threading.Thread(target=answer, args=[listening])
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            over.set()
            thread.join()


@pytest.fixture
def made(tmp_path: Path) -> Certificates:
    return certificates(tmp_path)


def spoken(made: Certificates) -> ssl.SSLContext:
    """What the server speaks TLS by."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.server, made.key)
    return context


@pytest.mark.usefixtures("loopback")
def test_what_is_taken_bit_by_bit_may_take_longer_than_a_piece(made: Certificates) -> None:
    with (
        serving(lambda connection: taking(connection, 0.15), spoken(made)) as port,
        closing(
            Hasty("127.0.0.1", port, timeout=60, ca_certs=str(made.authority), socket_options=ROOM)
        ) as sending,
    ):
        started = time.monotonic()
        sending.request("PUT", "/", BODY)
        assert time.monotonic() - started > sending.seconds_per_piece
        assert sending.getresponse().data == b"ok"


@pytest.mark.usefixtures("loopback")
def test_who_takes_nothing_is_given_up() -> None:
    with (
        serving(lambda _: None) as port,
        closing(Restless("127.0.0.1", port, timeout=60)) as sending,
        pytest.raises(TimeoutError, match="timed out"),
    ):
        sending.request("PUT", "/", BODY)


@pytest.mark.usefixtures("loopback")
def test_who_takes_a_little_at_a_time_for_ever_is_given_up() -> None:
    with (
        serving(lambda connection: taking(connection, 0.1)) as port,
        closing(Strict("127.0.0.1", port, timeout=60, socket_options=ROOM)) as sending,
        pytest.raises(TimeoutError, match="taken too slowly"),
    ):
        sending.request("PUT", "/", BODY)


@pytest.mark.usefixtures("loopback")
def test_the_clients_own_patience_is_for_all_else() -> None:
    with serving(taking) as port, closing(Confined("127.0.0.1", port, timeout=42)) as sending:
        sending.request("PUT", "/", BODY)
        assert sending.sock is not None
        assert sending.sock.gettimeout() == 42
        assert sending.getresponse().data == b"ok"


@pytest.mark.usefixtures("loopback")
def test_with_tls_too_who_hangs_up_in_the_middle_may_be_heard(made: Certificates) -> None:
    """Clients listen for an answer after these errors, and after no others."""
    with (
        serving(lambda connection: connection.close(), spoken(made)) as port,
        closing(ConfinedTls("127.0.0.1", port, timeout=60, ca_certs=str(made.authority))) as sending,
        pytest.raises((BrokenPipeError, ConnectionResetError)),
    ):
        sending.request("PUT", "/", BODY)
