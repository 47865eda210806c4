"""A client that is led inside the network calls nobody there."""

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from pathlib import Path

import pytest
from cryptography import x509
from requests.structures import CaseInsensitiveDict
from urllib3 import PoolManager
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from export_pipeline.connectors.addresses import allow
from export_pipeline.connectors.confined import (
    BEGINNINGS,
    LONGEST_ANSWER,
    MOST_THINGS,
    OBJECTS_PER_PAGE,
    Confined,
    confine,
    is_a_stores,
    unquoted,
)
from export_pipeline.errors import PermanentFailure
from export_pipeline_tests.servers.certificates import certificates
from export_pipeline_tests.servers.ports import free_port


class _Answering(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


@contextmanager
def answering(tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """The port of a server that answers every GET."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answering)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def manager() -> Iterator[PoolManager]:
    with PoolManager(retries=False) as manager:
        confine(manager)
        yield manager


@pytest.fixture(autouse=True)
def nothing_allowed() -> Iterator[None]:
    allow([])
    yield
    allow([])


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "169.254.169.254"])
def test_nobody_inside_is_called_on(manager: PoolManager, scheme: str, host: str) -> None:
    with pytest.raises(PermanentFailure, match="must not call there"):
        manager.request("GET", f"{scheme}://{host}:{free_port()}/")


def test_whom_the_operator_allows_is_called_on(manager: PoolManager) -> None:
    allow([ip_network("127.0.0.0/8")])
    with answering() as port:
        assert manager.request("GET", f"http://127.0.0.1:{port}/").data == b"ok"


def test_the_address_called_on_is_the_one_looked_at_and_the_certificate_is_the_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow([ip_network("127.0.0.1/32")])
    made = certificates(tmp_path, x509.DNSName("store.example"))
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(made.server, made.key)
    answers = iter(["127.0.0.1", "127.0.0.2"])

    with answering(server_side) as port, PoolManager(retries=False, ca_certs=str(made.authority)) as manager:
        confine(manager)
        monkeypatch.setattr(
            socket,
            "getaddrinfo",
            lambda *_, **__: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))],
        )
        assert manager.request("GET", f"https://store.example:{port}/").data == b"ok"
    assert next(answers) == "127.0.0.2"  # it was never asked for


def test_where_nobody_answers_is_an_error_that_clients_know() -> None:
    allow([ip_network("127.0.0.0/8")])

    with pytest.raises(NewConnectionError, match=r"127\.0\.0\.1"):
        Confined("127.0.0.1", free_port()).connect()
    with pytest.raises(NewConnectionError, match=r"no-such-host\.invalid"):
        Confined("no-such-host.invalid", 80).connect()


def test_who_does_not_answer_in_time_is_an_error_that_clients_know() -> None:
    allow([ip_network("127.0.0.0/8")])
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        port = server.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]  # nobody takes them, so that no further one is let in
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        try:
            with pytest.raises(ConnectTimeoutError, match="in time"):
                Confined("127.0.0.1", port, timeout=0.2).connect()
        finally:
            for one in waiting:
                one.close()


def test_the_clients_options_hold_for_the_connection() -> None:
    allow([ip_network("127.0.0.0/8")])
    with answering() as port:
        connection = Confined("127.0.0.1", port, socket_options=[(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)])
        connection.connect()
        try:
            assert connection.sock is not None
            assert connection.sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        finally:
            connection.close()


@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_a_store_says_no_more_than_a_page_of_a_list_has(beginning: bytes) -> None:
    assert is_a_stores(b"x" * LONGEST_ANSWER)
    assert not is_a_stores(b"x" * (LONGEST_ANSWER + 1))
    assert is_a_stores(beginning * MOST_THINGS)
    assert not is_a_stores(beginning * (MOST_THINGS + 1))


def test_a_page_may_hold_the_longest_that_is_said_of_objects() -> None:
    said = {"name": "\0" * 4 + "n" * 1020, "generation": "9" * 19, "size": "9" * 13}
    page = json.dumps({"items": [{**said, "metadata": {"m": "v" * 8192}}] * OBJECTS_PER_PAGE})

    assert is_a_stores(page.encode())


@pytest.mark.parametrize(
    "asked",
    [
        {"authorization": "Bearer hush-hush"},
        {"authorization": b"AWS4-HMAC-SHA256 Credential=AKIA1, Signature=hush-hush"},
        {"x-amz-security-token": "hush-hush"},
        {"x-amz-security-token": b"hush-hush"},
    ],
)
def test_a_refusal_does_not_quote_credentials(asked: dict[str, str | bytes]) -> None:
    fields = CaseInsensitiveDict(asked)
    ((_, value),) = asked.items()
    whole = value if isinstance(value, bytes) else value.encode()

    assert b"hush-hush" not in unquoted(b"what you say is: " + whole, fields)
    assert unquoted(b"", {}) == b""
