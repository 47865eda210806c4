"""A customer's `endpoint_url` does not lead Amazon's client inside the operator's network."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from ipaddress import ip_network
from itertools import repeat
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any

import boto3.session
import pytest
from pydantic import SecretStr

from export_pipeline.connectors.addresses import allow
from export_pipeline.connectors.confined import MOST_THINGS
from export_pipeline.connectors.destination import Destination
from export_pipeline.connectors.s3 import S3Config
from export_pipeline.connectors.s3_network import confine
from export_pipeline.errors import Denied, HourFailed, PermanentFailure, TransientFailure
from export_pipeline_tests.connectors.objects import MIB, keys, noise, put, read
from export_pipeline_tests.connectors.test_confined import answering
from export_pipeline_tests.servers.fault_proxy import Request, fault_proxy
from export_pipeline_tests.servers.s3 import S3Server
from export_pipeline_tests.servers.site import PIECES_WITHOUT_END, site, without_end


@pytest.fixture(autouse=True)
def nothing_allowed() -> Iterator[None]:
    allow([])
    yield
    allow([])


def leading_to(url: str) -> S3Config:
    return S3Config(
        bucket="sales",
        endpoint_url=url,
        access_key_id="AKIA1",
        secret_access_key=SecretStr("never-told-anybody"),
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "169.254.169.254", "0x7f.1"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_nobody_inside_is_called_on(scheme: str, host: str) -> None:
    with pytest.raises(PermanentFailure, match=r"'sales': .* must not call there") as caught:
        put(leading_to(f"{scheme}://{host}:8080").open(), "a.csv", b"1")

    assert "EXPORT_PIPELINE_ALLOWED_NETWORKS" in str(caught.value)


def test_nobody_inside_hears_of_it_and_it_is_tried_once(running_s3: S3Server) -> None:
    heard: list[Request] = []
    with fault_proxy(running_s3.port, heard.append) as proxy:  # which appends, and lets pass
        destination = leading_to(proxy.url).open()
        with pytest.raises(PermanentFailure, match="must not call there"):
            read(destination, "a.csv")

    assert heard == []


def test_no_proxy_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with answering() as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy}")
        with pytest.raises(PermanentFailure, match="must not call there"):
            read(leading_to("http://127.0.0.1:8080").open(), "a.csv")


def test_whom_the_operator_allows_takes_objects_in_parts(s3_server: S3Server) -> None:
    destination = s3_server.config(s3_server.new_bucket()).open()

    put(destination, "a.csv", noise(9 * MIB))

    assert read(destination, "a.csv") == noise(9 * MIB)


def test_clients_of_other_services_are_confined_alike() -> None:
    session = boto3.session.Session("AKIA1", "never-told-anybody", region_name="us-east-1")
    client = session.client("sts", endpoint_url="http://127.0.0.1:8080")
    confine(client, authorities=None)

    with pytest.raises(PermanentFailure, match="must not call there"):
        client.get_caller_identity()


@pytest.mark.parametrize(
    "use",
    [lambda there: put(there, "a", b"1"), lambda there: read(there, "a"), keys],
    ids=["put", "get", "list"],
)
def test_what_goes_on_for_ever_beside_an_error_is_left(use: Callable[[Destination], Any]) -> None:
    allow([ip_network("127.0.0.0/8")])
    with site() as running:
        running.answer(403, {"Content-Type": "application/xml"}, without_end())
        with pytest.raises(HourFailed, match="not allowed to"):
            use(leading_to(running.url).open())

    assert running.sent < PIECES_WITHOUT_END


def test_an_answer_that_goes_on_for_ever_is_refused() -> None:
    allow([ip_network("127.0.0.0/8")])
    with site() as running:
        running.answer(200, {"Content-Type": "application/xml"}, without_end())
        with pytest.raises(PermanentFailure, match="says more than any store does"):
            keys(leading_to(running.url).open())

    assert running.sent < PIECES_WITHOUT_END


def test_an_answer_of_too_many_things_is_refused() -> None:
    allow([ip_network("127.0.0.0/8")])
    with site() as running:
        running.answer(200, {"Content-Type": "application/xml"}, [b"<a/>" * (MOST_THINGS + 1)])
        with pytest.raises(PermanentFailure, match="says more than any store does"):
            keys(leading_to(running.url).open())


REFUSED = b"<Error><Code>AccessDenied</Code></Error>"
REFUSAL = b"HTTP/1.1 403 Forbidden\r\nContent-Length: %d\r\n\r\n%s" % (len(REFUSED), REFUSED)


@contextmanager
def saying_at_once(pieces: Callable[[], Iterable[bytes]]) -> Iterator[str]:
    """The address of a server that says so to the head of each request, and hangs up."""

    class Saying(StreamRequestHandler):
        def handle(self) -> None:
            while self.rfile.readline().strip():
                pass
            for piece in pieces():
                self.connection.sendall(piece)

    class Server(ThreadingTCPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """Clients that break off are part of the tests."""

    with Server(("127.0.0.1", 0), Saying) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    "pieces",
    [
        lambda: [b"HTTP/1.1 100 Continue\r\n"],
        lambda: [b"HTTP/1.1 100 Continue\r\n", *repeat(b"Field: value\r\n", 1000)],
        lambda: repeat(b"x" * MIB, PIECES_WITHOUT_END),
    ],
    ids=["breaking off", "fields", "line"],
)
def test_leave_to_send_that_does_not_end_is_no_answer(pieces: Callable[[], Iterable[bytes]]) -> None:
    allow([ip_network("127.0.0.0/8")])
    sent = 0

    def counted() -> Iterator[bytes]:
        nonlocal sent
        for piece in pieces():
            yield piece
            sent += len(piece)

    with saying_at_once(counted) as url, pytest.raises(TransientFailure, match="no answer from"):
        put(leading_to(url).open(), "a", b"1")

    assert sent < PIECES_WITHOUT_END * MIB


def test_who_refuses_in_the_middle_of_a_file_is_heard() -> None:
    allow([ip_network("127.0.0.0/8")])
    with saying_at_once(lambda: [REFUSAL]) as url, pytest.raises(Denied, match="AccessDenied"):
        put(leading_to(url).open(), "a", noise(8 * MIB))


def test_no_store_is_asked_for_leave_to_send() -> None:
    allow([ip_network("127.0.0.0/8")])
    with site() as running:
        running.answer(403, {})
        with pytest.raises(Denied):
            put(leading_to(running.url).open(), "a", b"1")

    assert running.heard
    assert not any("Expect" in fields for fields in running.heard)
