"""The proxy passes on what it should, and fails as it is told."""

import http.client
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from export_pipeline_tests.servers.fault_proxy import (
    SECONDS_OF_SLOWNESS,
    Fault,
    FaultProxy,
    Instead,
    Once,
    Request,
    fault_proxy,
    nothing,
)

SECONDS_FOR_A_THREAD = 30


class Echo(BaseHTTPRequestHandler):
    """Answers with what was sent, and remembers it."""

    protocol_version = "HTTP/1.1"
    received: list[bytes]
    conditions: list[tuple[str, str | None]]
    server: ThreadingHTTPServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.received.append(body)
        self.conditions.append((self.path, self.headers["If-None-Match"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Repr-Digest", "sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=:")
        self.send_header("X-Amz-Checksum-CRC32", "NSRBwg==")
        self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/elsewhere")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # the base class's name
        """Keep quiet."""


class Upstream(ThreadingHTTPServer):
    def __init__(self) -> None:
        self.received: list[bytes] = []
        self.conditions: list[tuple[str, str | None]] = []
        remembered = {"received": self.received, "conditions": self.conditions}
        super().__init__(("127.0.0.1", 0), type("RememberingEcho", (Echo,), remembered))


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def ask(proxy: FaultProxy, body: bytes, *, times: int = 1) -> list[tuple[int, bytes]]:
    connection = http.client.HTTPConnection(proxy.url.removeprefix("http://"), timeout=10)
    answers = []
    try:
        for _ in range(times):
            connection.request("POST", "/a?b=c", body)
            answer = connection.getresponse()
            answers.append((answer.status, answer.read()))
    finally:
        connection.close()
    return answers


def every(_: Request) -> bool:
    return True


def test_requests_pass_on_one_connection(upstream: Upstream) -> None:
    with fault_proxy(upstream.server_port) as proxy:
        assert ask(proxy, b"x" * 200_000, times=3) == [(200, b"x" * 200_000)] * 3


def test_an_unavailable_server_hears_nothing(upstream: Upstream) -> None:
    with fault_proxy(upstream.server_port, Once(Fault.UNAVAILABLE, every)) as proxy:
        ((status, _),) = ask(proxy, b"1")
        again = ask(proxy, b"2")

    assert status == 503
    assert again == [(200, b"2")]
    assert upstream.received == [b"2"]


def test_a_reset_comes_before_the_server_hears(upstream: Upstream) -> None:
    with fault_proxy(upstream.server_port, Once(Fault.RESET, every)) as proxy, pytest.raises(ConnectionError):
        ask(proxy, b"1")

    assert upstream.received == []


def test_a_reset_after_comes_when_it_is_done(upstream: Upstream) -> None:
    plan = Once(Fault.RESET_AFTER, every)
    with fault_proxy(upstream.server_port, plan) as proxy, pytest.raises(ConnectionError):
        ask(proxy, b"1")

    assert upstream.received == [b"1"]
    assert plan.met == [Request(method="POST", path="/a?b=c")]


def test_a_gateway_gives_up_when_it_is_done(upstream: Upstream) -> None:
    with fault_proxy(upstream.server_port, Once(Fault.GAVE_UP, every)) as proxy:
        assert ask(proxy, b"1") == [(504, b"<html>gateway timeout</html>")]
        assert ask(proxy, b"2") == [(200, b"2")]

    assert upstream.received == [b"1", b"2"]


def test_a_server_may_not_hear_on_what_condition(upstream: Upstream) -> None:
    plan = Once(Fault.UNCONDITIONAL, every)
    with fault_proxy(upstream.server_port, plan) as proxy:
        connection = http.client.HTTPConnection(proxy.url.removeprefix("http://"), timeout=10)
        for _ in range(2):
            connection.request("POST", "/?a=b&ifGenerationMatch=0", b"1", {"If-None-Match": "*"})
            connection.getresponse().read()
        connection.close()

    assert upstream.conditions == [("/?a=b&unheeded=0", None), ("/?a=b&ifGenerationMatch=0", "*")]


def test_a_throttled_request_is_asked_to_come_again_later(upstream: Upstream) -> None:
    with fault_proxy(upstream.server_port, Once(Fault.THROTTLED, every)) as proxy:
        connection = http.client.HTTPConnection(proxy.url.removeprefix("http://"), timeout=10)
        connection.request("POST", "/", b"1")
        answer = connection.getresponse()
        connection.close()

    assert (answer.status, answer.headers["Retry-After"]) == (429, "1")
    assert upstream.received == []


@pytest.mark.parametrize("done", [True, False])
def test_another_answer_may_stand_in_the_servers_place(upstream: Upstream, done: bool) -> None:
    instead = Instead(status="200 OK", body=b"no", fields={"ETag": '"1"'}, done=done)
    with fault_proxy(upstream.server_port, Once(instead, every)) as proxy:
        connection = http.client.HTTPConnection(proxy.url.removeprefix("http://"), timeout=10)
        connection.request("POST", "/", b"1")
        answer = connection.getresponse()

        assert (answer.status, answer.headers["ETag"], answer.read()) == (200, '"1"', b"no")
        connection.close()

    assert upstream.received == [b"1"] * done


def test_a_truncated_answer_comes_when_it_is_done(upstream: Upstream) -> None:
    with (
        fault_proxy(upstream.server_port, Once(Fault.TRUNCATED, every)) as proxy,
        pytest.raises(http.client.IncompleteRead) as caught,
    ):
        ask(proxy, b"1234")

    assert caught.value.partial == b"12"
    assert upstream.received == [b"1234"]


def test_an_empty_answer_is_truncated_in_its_head(upstream: Upstream) -> None:
    with (
        fault_proxy(upstream.server_port, Once(Fault.TRUNCATED, every)) as proxy,
        pytest.raises(http.client.BadStatusLine),
    ):
        ask(proxy, b"")


def test_a_slow_answer_is_a_whole_one(upstream: Upstream) -> None:
    with fault_proxy(upstream.server_port, Once(Fault.SLOW, every)) as proxy:
        started = time.monotonic()

        assert ask(proxy, b"1") == [(200, b"1")]

    assert time.monotonic() - started >= SECONDS_OF_SLOWNESS


def test_what_was_spoilt_is_done_and_told_of_by_another_checksum(upstream: Upstream) -> None:
    with fault_proxy(upstream.server_port, Once(Fault.SPOILT, every)) as proxy:
        connection = http.client.HTTPConnection(proxy.url.removeprefix("http://"), timeout=10)
        connection.request("POST", "/", b"1")
        answer = connection.getresponse()

        assert (answer.status, answer.read()) == (200, b"1")
        connection.close()

    assert upstream.received == [b"1"]
    assert answer.headers["Repr-Digest"] == f"sha-256=:{'A' * 43}=:"
    assert answer.headers["X-Amz-Checksum-CRC32"] == "AAAAAA=="


def test_who_is_sent_elsewhere_comes_back_to_the_proxy(upstream: Upstream) -> None:
    with fault_proxy(upstream.server_port) as proxy:
        connection = http.client.HTTPConnection(proxy.url.removeprefix("http://"), timeout=10)
        connection.request("POST", "/", b"1")
        answer = connection.getresponse()
        connection.close()

        assert answer.headers["Location"] == f"{proxy.url}/elsewhere"


def test_it_is_remembered_what_came_and_when(upstream: Upstream) -> None:
    with fault_proxy(upstream.server_port) as proxy:
        ask(proxy, b"1", times=2)

    (first, earlier), (second, later) = proxy.arrivals
    assert first == second == Request(method="POST", path="/a?b=c")
    assert earlier <= later


def test_a_plan_concerns_only_what_it_names(upstream: Upstream) -> None:
    with fault_proxy(upstream.server_port, Once(Fault.UNAVAILABLE, nothing)) as proxy:
        assert ask(proxy, b"1") == [(200, b"1")]


def test_no_thread_outlives_the_proxy(upstream: Upstream) -> None:
    before = set(threading.enumerate())
    with fault_proxy(upstream.server_port) as proxy:
        idle = http.client.HTTPConnection(proxy.url.removeprefix("http://"))
        idle.connect()
        ask(proxy, b"1")
    idle.close()

    # The upstream's own threads end in their own time, and so do those of other tests' servers.
    for thread in set(threading.enumerate()) - before:
        give_up = time.monotonic() + SECONDS_FOR_A_THREAD
        while thread.ident is None and time.monotonic() < give_up:
            time.sleep(0.01)  # it is listed already, and begins now
        thread.join(SECONDS_FOR_A_THREAD)
        assert not thread.is_alive(), thread.name
