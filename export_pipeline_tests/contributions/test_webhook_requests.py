"""Whatever a service does, asking it ends in time, with a bounded answer or a reason why there is none."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from pathlib import Path

import pytest
from cryptography import x509

from export_pipeline.connectors.addresses import allow
from export_pipeline.contributions import webhook_requests
from export_pipeline.contributions.webhook_requests import MOST_BYTES, SECONDS, Reason, Unanswered, fetched
from export_pipeline_tests.contributions.webhook_servers import (
    Behaviour,
    answering,
    dripping,
    endless,
    hanging_up,
    sending_to,
    service,
    silent,
)
from export_pipeline_tests.servers.certificates import certificates
from export_pipeline_tests.servers.ports import free_port

# Generous: a busy machine may be slow to wake threads. Without a bound each of these would last for ever.
SOON = SECONDS + 8


@pytest.fixture(autouse=True)
def only_this_machine_is_allowed() -> Iterator[None]:
    allow([ip_network("127.0.0.1/32")])
    yield
    allow([])


def reason_why_not(url: str, **options: float) -> Reason:
    with pytest.raises(Unanswered) as caught:
        fetched(url, **options)  # type: ignore[arg-type]
    return caught.value.reason


def test_an_answer_is_its_body() -> None:
    with service(answering(b'{"entity": {}}')) as running:
        assert fetched(f"{running.url}/entity/country/x%2Fy?token=1") == b'{"entity": {}}'

    assert running.asked == ["/entity/country/x%2Fy?token=1"]
    assert f"Host: 127.0.0.1:{running.port}\r\n" in running.heads[0]


def test_an_answer_may_come_in_chunks_or_end_with_the_connection() -> None:
    def chunked(connection: socket.socket, *_: object) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")

    def until_the_end(connection: socket.socket, *_: object) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n{}")

    for behaviour in (chunked, until_the_end, answering(b"{}", fields={"Connection": "close"})):
        with service(behaviour) as running:
            assert fetched(running.url) == b"{}"


@pytest.mark.parametrize(
    "behaviour",
    [
        silent,
        dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}" + b" " * 500),
        dripping(b"HTTP/1.1 200 OK\r\n" + b"X-Much: 1\r\n" * 50),
        dripping(b"HTTP/1.1 100 Continue\r\n\r\n" * 30),
    ],
    ids=["silent", "drops", "drops_of_fields", "drops_of_promises"],
)
def test_a_slow_service_has_two_seconds_for_all_of_it(behaviour: Behaviour) -> None:
    with service(behaviour) as running:
        began = time.monotonic()
        # Enough drops for the first answer to be there in time, and not in so little.
        assert reason_why_not(running.url, seconds=1.0) is Reason.TOO_SLOW
        assert time.monotonic() - began < SOON


def test_a_service_that_does_not_greet_has_as_long() -> None:
    """TLS begins with words of the other side."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert reason_why_not(f"https://127.0.0.1:{port}/", seconds=0.5) is Reason.TOO_SLOW


def test_a_service_that_lets_nobody_in_has_as_long() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        port = server.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        try:
            assert reason_why_not(f"http://127.0.0.1:{port}/", seconds=0.5) is Reason.TOO_SLOW
        finally:
            for one in waiting:
                one.close()


def test_a_resolver_that_takes_its_time_is_not_awaited(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()

    def resolve(*_: object, **__: object) -> list[object]:
        answered.wait(30)
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    began = time.monotonic()
    try:
        assert reason_why_not("http://slow.example/", seconds=0.3) is Reason.TOO_SLOW
        assert time.monotonic() - began < SOON
    finally:
        answered.set()


@pytest.mark.parametrize(
    "behaviour",
    [
        answering(b" " * (MOST_BYTES + 1)),
        endless,
        answering(b"", fields={"Content-Length": str(10**12)}),
    ],
    ids=["large", "endless", "says_so"],
)
def test_a_large_answer_is_not_read_to_its_end(behaviour: Behaviour) -> None:
    with service(behaviour) as running:
        assert reason_why_not(running.url, seconds=20) is Reason.TOO_LARGE


def test_an_answer_may_be_as_large_as_that() -> None:
    with service(answering(b" " * MOST_BYTES)) as running:
        assert len(fetched(running.url, seconds=20)) == MOST_BYTES


@pytest.mark.parametrize("status", ["404 Not Found", "500 Oh", "204 No Content", "401 Who", "304 As before"])
def test_any_other_status_is_no_answer(status: str) -> None:
    with service(answering(b"", status=status)) as running:
        assert reason_why_not(running.url) is Reason.REFUSED


def _ends_early(connection: socket.socket, *_: object) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}")


def _ends_in_a_chunk(connection: socket.socket, *_: object) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n{}")


def _says_nonsense(connection: socket.socket, *_: object) -> None:
    connection.sendall(b"\x00\xff\r\n\r\n")


def _says_a_length_that_is_none(connection: socket.socket, *_: object) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}")


@pytest.mark.parametrize(
    "behaviour", [hanging_up, _ends_early, _ends_in_a_chunk, _says_nonsense, _says_a_length_that_is_none]
)
def test_an_answer_that_breaks_off_is_none(behaviour: Behaviour) -> None:
    with service(behaviour) as running:
        assert reason_why_not(running.url) is Reason.UNREACHABLE


def test_nobody_there_is_no_answer() -> None:
    assert reason_why_not(f"http://127.0.0.1:{free_port()}/") is Reason.UNREACHABLE
    assert reason_why_not("http://no-such-host.invalid/", seconds=20) is Reason.UNREACHABLE


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    "host",
    ["127.0.0.2", "10.0.0.1", "192.168.0.1", "169.254.169.254", "[::1]", "[fe80::1]", "[::ffff:127.0.0.2]"],
)
def test_nobody_inside_is_called_on(scheme: str, host: str) -> None:
    assert reason_why_not(f"{scheme}://{host}:{free_port()}/") is Reason.NOT_ALLOWED


def test_nobody_is_called_on_unless_the_operator_allows_it() -> None:
    allow([])
    with service(answering(b"{}")) as running:
        assert reason_why_not(running.url) is Reason.NOT_ALLOWED
        assert reason_why_not(f"http://localhost:{running.port}/") is Reason.NOT_ALLOWED
    assert running.asked == []


def test_the_address_called_on_is_the_one_that_was_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    with service(answering(b"{}")) as running:
        answers = iter(["127.0.0.1", "127.0.0.2"])
        monkeypatch.setattr(
            socket,
            "getaddrinfo",
            lambda *_, **__: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), running.port))],
        )
        assert fetched("http://rebound.example/") == b"{}"
    assert next(answers) == "127.0.0.2"  # it was never asked for


def test_of_several_addresses_one_that_does_not_answer_leaves_time_for_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with service(answering(b"{}")) as running:
        places = [("127.0.0.1", free_port()), ("127.0.0.1", running.port)]
        monkeypatch.setattr(
            socket,
            "getaddrinfo",
            lambda *_, **__: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", place) for place in places],
        )
        assert fetched("http://two.example/") == b"{}"


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See", "307 For now", "308 For ever"])
def test_a_redirect_is_followed_to_where_everybody_may_call(status: str) -> None:
    with service(answering(b"{}")) as there, service(sending_to(f"{there.url}/b", status=status)) as here:
        assert fetched(f"{here.url}/a") == b"{}"
    assert there.asked == ["/b"]


def test_a_redirect_may_name_a_path_alone() -> None:
    def behaviour(connection: socket.socket, running: object, target: str) -> None:
        act = answering(b"{}") if target == "/there" else sending_to("/there")
        act(connection, running, target)  # type: ignore[arg-type]

    with service(behaviour) as running:
        assert fetched(f"{running.url}/here") == b"{}"


@pytest.mark.parametrize("where", ["http://127.0.0.2/", "http://169.254.169.254/latest/", "https://[::1]/"])
def test_nobody_is_led_inside_by_a_redirect(where: str) -> None:
    with service(sending_to(where)) as running:
        assert reason_why_not(running.url) is Reason.NOT_ALLOWED


@pytest.mark.parametrize("where", ["file:///etc/hostname", "ftp://127.0.0.1/", "http:///", "gopher://x/"])
def test_a_redirect_out_of_the_web_is_not_followed(where: str) -> None:
    with service(sending_to(where)) as running:
        assert reason_why_not(running.url) is Reason.SENT_ELSEWHERE


def test_nobody_is_sent_round_and_round() -> None:
    with service(sending_to(lambda target: f"{target}x")) as running:
        assert reason_why_not(f"{running.url}/a") is Reason.SENT_ELSEWHERE
    assert running.asked == ["/a", "/ax", "/axx", "/axxx"]


def test_redirects_have_the_same_two_seconds() -> None:
    def slowly(connection: socket.socket, running: object, target: str) -> None:
        time.sleep(0.4)
        sending_to(f"{target}x")(connection, running, target)  # type: ignore[arg-type]

    with service(slowly) as running:
        assert reason_why_not(f"{running.url}/a", seconds=1.0) is Reason.TOO_SLOW


@pytest.mark.parametrize(
    "url",
    [
        "http://a..b/",
        f"http://{'a' * 64}.example/",
        "http://127.0.0.1:99999/",
        "http://[::1/",
        "http://\udcff/",
    ],
)
def test_an_address_that_is_none_is_no_answer(url: str) -> None:
    assert reason_why_not(url) in (Reason.NOT_ALLOWED, Reason.UNREACHABLE)


def test_what_no_request_may_hold_is_escaped() -> None:
    with service(answering(b"{}")) as running:
        fetched(f"{running.url}/é x\r\nX-Injected: 1?a=b c&d=%20")

    assert running.asked[0].startswith("/%C3%A9%20x")
    assert "X-Injected: 1\r\n" not in running.heads[0]


def test_no_proxy_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with service(answering(b"proxy")) as proxy, service(answering(b"{}")) as running:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert fetched(running.url) == b"{}"


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Some hang up when they see the certificate."""


class _Answering(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


def test_the_certificate_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = certificates(tmp_path, x509.DNSName("localhost"))
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(made.server, made.key)
    server = _Quiet(("127.0.0.1", 0), _Answering)
    server.socket = server_side.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    port = server.server_address[1]
    try:
        assert reason_why_not(f"https://localhost:{port}/", seconds=20) is Reason.UNREACHABLE
        monkeypatch.setenv("SSL_CERT_FILE", str(made.authority))
        webhook_requests._trusted.cache_clear()
        assert fetched(f"https://localhost:{port}/", seconds=20) == b"{}"
        assert reason_why_not(f"https://127.0.0.1:{port}/", seconds=20) is Reason.UNREACHABLE
    finally:
        webhook_requests._trusted.cache_clear()
        server.shutdown()
        thread.join()
        server.server_close()


def test_why_there_is_no_answer_tells_nothing_of_the_inside() -> None:
    with pytest.raises(Unanswered) as caught:
        fetched("http://localhost.localdomain:1/", seconds=5)

    assert str(caught.value) in {reason.value for reason in Reason}
