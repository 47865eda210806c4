"""A request goes where it should, in the name of whom it should, and nowhere else."""

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from pathlib import Path

import pytest
from cryptography import x509

from export_pipeline.connectors.addresses import allow
from export_pipeline.connectors.authorities import VARIABLES
from export_pipeline.connectors.http_requests import asked
from export_pipeline.errors import PermanentFailure
from export_pipeline_tests.connectors.test_pacing import slow
from export_pipeline_tests.servers.certificates import Certificates, certificates
from export_pipeline_tests.servers.http import Receiver


class Mirror(BaseHTTPRequestHandler):
    """Says in its answer what it was asked."""

    def do_PUT(self) -> None:
        self.send_response(200)
        self.send_header("Asked", self.requestline)
        self.send_header("Asked-Host", self.headers["Host"])
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # the base class's name
        """Keep quiet."""


@pytest.fixture
def mirror() -> Iterator[ThreadingHTTPServer]:
    allow([ip_network("127.0.0.0/8")])
    with ThreadingHTTPServer(("127.0.0.1", 0), Mirror) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
    allow([])


def served(server: ThreadingHTTPServer, made: Certificates) -> list[str | None]:
    """Let the server speak TLS; gives the names it is asked for, as they come."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.server, made.key)
    names: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    return names


def iter_after(seconds: float, *pieces: bytes) -> Iterator[bytes]:
    time.sleep(seconds)
    yield from pieces


def ask(url: str) -> dict[str, str]:
    with asked("PUT", url, {}, body=lambda: [b"1"], size=1) as answer:
        return dict(answer.getheaders())


def test_the_address_is_asked_as_it_is_written(mirror: ThreadingHTTPServer) -> None:
    told = ask(f"http://localhost:{mirror.server_port}/in/a%20b?x=%24")

    assert told["Asked"] == "PUT /in/a%20b?x=%24 HTTP/1.1"
    assert told["Asked-Host"] == f"localhost:{mirror.server_port}"


def test_nothing_inside_is_asked_unless_it_is_allowed(mirror: ThreadingHTTPServer) -> None:
    allow([])

    with pytest.raises(PermanentFailure, match="must not call there"):
        ask(f"http://localhost:{mirror.server_port}/")


def test_no_proxy_of_the_environment_is_asked(
    mirror: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    assert ask(f"http://127.0.0.1:{mirror.server_port}/")["Asked"] == "PUT / HTTP/1.1"


def test_a_certificate_is_that_of_the_name(
    mirror: ThreadingHTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Although the connection goes to an address that was looked up beforehand."""
    made = certificates(tmp_path, x509.DNSName("localhost"))
    names = served(mirror, made)
    monkeypatch.setenv(VARIABLES[0], str(made.authority))

    told = ask(f"https://localhost:{mirror.server_port}/")

    assert told["Asked-Host"] == f"localhost:{mirror.server_port}"
    assert names == ["localhost"]
    with pytest.raises(ssl.SSLCertVerificationError, match="IP address mismatch"):
        ask(f"https://127.0.0.1:{mirror.server_port}/")


def test_a_certificate_that_nobody_trusts_is_refused(mirror: ThreadingHTTPServer, tmp_path: Path) -> None:
    served(mirror, certificates(tmp_path))

    with pytest.raises(ssl.SSLCertVerificationError, match="local issuer"):
        ask(f"https://127.0.0.1:{mirror.server_port}/")


def test_who_hangs_up_in_the_middle_is_heard_all_the_same(http_receiver: Receiver) -> None:
    http_receiver.behaviour.hangs_up_early = True
    large = 64 << 20

    with asked(
        "PUT", f"{http_receiver.url}/any/a", {}, body=lambda: (bytes(1 << 20) for _ in range(64)), size=large
    ) as answer:
        assert answer.status == 401


@pytest.mark.parametrize("body", [None, lambda: [b"1"]], ids=["none", "a file"])
def test_who_has_taken_a_file_has_a_time_of_its_own_to_say_so(body: Callable[[], list[bytes]] | None) -> None:
    allow([ip_network("127.0.0.0/8")])
    with slow(iter_after(0.5, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")) as port:
        wanted = asked("PUT", f"http://127.0.0.1:{port}/", {}, body=body, size=1, seconds_to_take=0.1)
        with nullcontext() if body is None else pytest.raises(TimeoutError), wanted as answer:
            assert answer.status == 200
    allow([])
