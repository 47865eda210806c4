"""When and how long the far side is waited for."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import boto3.session
import pytest
import requests
from azure.core.pipeline import Pipeline
from azure.core.pipeline.transport import RequestsTransport
from azure.core.rest import HttpRequest
from botocore.config import Config

from export_pipeline.connectors.confined_requests import confined
from export_pipeline.connectors.http_requests import asked
from export_pipeline.connectors.paced_requests import pace
from export_pipeline.connectors.retrying import (
    ATTEMPTS_PER_REQUEST,
    LONGEST_WAIT,
    leaves_open,
    reason_of,
    retried,
    seconds_of,
    unanswered,
    wait_before,
    was_sent,
)
from export_pipeline.connectors.s3_network import confine
from export_pipeline.errors import Conflict, PermanentFailure, TransientFailure
from export_pipeline_tests.servers.ports import free_port


class Busy:
    """Fails with each of the failures in turn, and then answers."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.asked = 0

    def __call__(self) -> str:
        self.asked += 1
        if self.failures:
            raise self.failures.pop(0)
        return "answer"


def test_who_is_busy_for_a_while_is_asked_again() -> None:
    waits: list[float] = []
    busy = Busy(*[TransientFailure("busy")] * (ATTEMPTS_PER_REQUEST - 1))

    assert retried(busy, sleep=waits.append) == "answer"
    assert busy.asked == ATTEMPTS_PER_REQUEST
    assert waits == sorted(waits)
    assert 2 < sum(waits) < 10


def test_who_stays_busy_is_given_up() -> None:
    waits: list[float] = []
    busy = Busy(*[TransientFailure("busy")] * 99)

    with pytest.raises(TransientFailure, match="busy"):
        retried(busy, sleep=waits.append)

    assert busy.asked == len(waits) + 1 == ATTEMPTS_PER_REQUEST


def test_what_is_refused_after_an_answer_was_lost_may_have_been_done() -> None:
    for lost in (True, False):
        busy = TransientFailure("no answer")
        busy.unheard = lost
        with pytest.raises(Conflict) as caught:
            retried(Busy(busy, Conflict("somebody's")), sleep=lambda _: None)
        assert caught.value.unheard is lost


def test_who_was_never_connected_cannot_have_been_heard() -> None:
    refused = OSError("no connection")
    refused.__cause__ = ConnectionRefusedError()

    assert not unanswered("nobody is there", refused).unheard
    assert unanswered("nobody is there", ConnectionResetError()).unheard


def test_errors_that_lead_in_a_circle_have_an_end() -> None:
    reset, outer = ConnectionResetError(), AzureServiceError()
    outer.inner_exception = reset
    reset.__context__ = outer
    found: list[tuple[bool, str]] = []
    asking = threading.Thread(target=lambda: found.append((was_sent(outer), reason_of(outer))), daemon=True)
    asking.start()
    asking.join(20)

    assert found == [(True, "the connection broke off")]


class AzureServiceError(Exception):
    """Keeps what it was made of beside what Python keeps, as Azure's client has it."""

    inner_exception: Exception | None = None


@contextmanager
def hung_up(answer: bytes = b"") -> Iterator[int]:
    """The port of somebody who hears the first of what is said, says no more than that, and hangs up."""

    def hear() -> None:
        with suppress(OSError), listening.accept()[0] as caller:
            caller.recv(4096)
            caller.sendall(answer)
            caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", not answer, 0))

    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(5)  # or a request that never comes would be waited for for ever
        thread = threading.Thread(target=hear)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            thread.join(10)


Sends = Callable[[str, dict[str, str]], object]


def by_requests(url: str, proxies: dict[str, str]) -> object:
    session = requests.Session()
    (pace if proxies else confined)(session)
    return session.put(url, data=b"1", proxies=proxies)


def by_amazons_client(url: str, proxies: dict[str, str]) -> object:
    config = Config(proxies=proxies, retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
    session = boto3.session.Session("a", "b", region_name="us-east-1")
    client = session.client("s3", endpoint_url=url, config=config)
    if not proxies:
        confine(client, authorities=None)
    return client.put_object(Bucket="sales", Key="a.csv", Body=b"1")


def by_azures_client(url: str, proxies: dict[str, str]) -> object:
    session = requests.Session()
    (pace if proxies else confined)(session)
    session.proxies = proxies
    with Pipeline(RequestsTransport(session=session, session_owner=False)) as pipeline:
        return pipeline.run(HttpRequest("PUT", url, content=b"1"))


def by_us(url: str, _proxies: dict[str, str]) -> object:
    with asked("PUT", url, {}, body=lambda: [b"1"], size=1) as answer:
        return answer


@pytest.mark.usefixtures("loopback_allowed")
@pytest.mark.parametrize("send", [by_requests, by_amazons_client, by_azures_client, by_us])
def test_who_hangs_up_has_heard_a_request_only_once_hands_are_shaken(send: Sends) -> None:
    for scheme, heard in (("http", True), ("https", False)):
        with hung_up() as port, pytest.raises(Exception, match=r"reset|closed") as caught:  # their own errors
            send(f"{scheme}://127.0.0.1:{port}/a.csv", {})
        assert was_sent(caught.value) is heard


@pytest.mark.usefixtures("loopback_allowed")
@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"])
@pytest.mark.parametrize("send", [by_requests, by_amazons_client, by_azures_client])
def test_whom_a_proxy_does_not_lead_on_has_not_been_heard(send: Sends, answer: bytes) -> None:
    with hung_up(answer) as port, pytest.raises(Exception, match=r"(?i)proxy|reset|closed") as caught:
        send("https://storage.invalid/a.csv", {"https": f"http://127.0.0.1:{port}"})

    assert not was_sent(caught.value)


@pytest.mark.usefixtures("loopback_allowed")
@pytest.mark.parametrize("send", [by_requests, by_amazons_client, by_azures_client, by_us])
def test_whom_nobody_answers_the_call_has_not_been_heard(send: Sends) -> None:
    with pytest.raises(Exception, match=r"refused|Could not connect") as caught:
        send(f"http://127.0.0.1:{free_port()}/a.csv", {})

    assert not was_sent(caught.value)


@pytest.mark.parametrize("status", [200, 500, 502, 504, 520, 524])
def test_who_broke_down_over_a_request_may_have_carried_it_out(status: int) -> None:
    assert leaves_open(status)


@pytest.mark.parametrize("status", [0, 301, 403, 408, 409, 412, 429, 501, 503, 505, 507])
def test_who_refuses_or_sends_away_has_not(status: int) -> None:
    assert not leaves_open(status)


@pytest.mark.parametrize("failure", [Conflict("theirs"), PermanentFailure("no such bucket"), KeyError("bug")])
def test_what_asking_again_does_not_mend_is_not_asked_again(failure: Exception) -> None:
    waits: list[float] = []
    busy = Busy(failure)

    with pytest.raises(type(failure)):
        retried(busy, sleep=waits.append)

    assert (busy.asked, waits) == (1, [])


def test_who_asks_to_be_left_alone_for_a_while_is() -> None:
    waits: list[float] = []

    retried(
        Busy(TransientFailure("busy", wait=7), TransientFailure("busy", wait=LONGEST_WAIT)),
        sleep=waits.append,
    )

    assert 7 <= waits[0] < 9
    assert LONGEST_WAIT <= waits[1] < LONGEST_WAIT + 3


def test_who_asks_for_an_hour_is_left_to_the_run() -> None:
    waits: list[float] = []
    busy = Busy(TransientFailure("busy", wait=3600))

    with pytest.raises(TransientFailure):
        retried(busy, sleep=waits.append)

    assert (busy.asked, waits) == (1, [])


def test_those_sent_away_together_do_not_come_back_together() -> None:
    assert len({wait_before(3, asked) for asked in [None] * 20}) > 10
    assert len({wait_before(3, asked) for asked in [5.0] * 20}) > 10


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, None), ("0", 0), ("120", 120), ("-5", 0), ("soon", None), ("", None), ("1.5e3x", None)],
)
def test_a_wait_is_a_number_of_seconds(header: str | None, seconds: float | None) -> None:
    assert seconds_of(header) == seconds


@pytest.mark.parametrize("header", ["9" * 400, "9" * 5000])
def test_a_wait_beyond_all_numbers_is_none(header: str) -> None:
    assert seconds_of(header) is None


def test_a_wait_may_be_a_date() -> None:
    later = datetime.now(UTC) + timedelta(seconds=90)
    found = seconds_of(format_datetime(later, usegmt=True))

    assert found is not None
    assert 0 < found <= 90
    assert seconds_of("Wed, 21 Oct 2015 07:28:00 GMT") == 0


@pytest.mark.parametrize("header", ["9" * 400, f"Mon, 01 Jan {'9' * 20} 00:00:00 GMT"])
def test_a_while_that_no_clock_shows_is_none(header: str) -> None:
    assert seconds_of(header) is None
