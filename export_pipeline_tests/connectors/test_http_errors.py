"""What refusals of an HTTP receiver become."""

import pytest

from export_pipeline.connectors.http_errors import Refusal, host_in
from export_pipeline.errors import Conflict, Denied, HourFailed, PermanentFailure, TransientFailure


@pytest.mark.parametrize(
    ("status", "kind", "says"),
    [
        (401, Denied, "check the connector's credentials"),
        (403, Denied, "403 Forbidden"),
        (404, PermanentFailure, "create it, or change `url`"),
        (405, PermanentFailure, "change `method`"),
        (413, PermanentFailure, "export fewer rows"),
        (400, PermanentFailure, "the receiver refuses (400 Bad Request)"),
        (422, PermanentFailure, "the receiver refuses"),
        (428, PermanentFailure, "the receiver refuses"),
        (501, PermanentFailure, "use another receiver"),
        (307, PermanentFailure, "nobody is followed"),
        (409, Conflict, "try again"),
        (412, Conflict, "try again"),
        (408, TransientFailure, "again later"),
        (425, TransientFailure, "again later"),
        (429, TransientFailure, "again later"),
        (500, TransientFailure, "again later"),
        (503, TransientFailure, "again later (503 Service Unavailable)"),
        (599, TransientFailure, "again later (599)"),
    ],
)
def test_a_refusal_is_sorted_by_what_to_do_next(status: int, kind: type[HourFailed], says: str) -> None:
    failure = Refusal(status=status).failure("write", "a/b.csv", receiver="https://receiver.example/in")

    assert type(failure) is kind
    assert says in str(failure)
    assert "'a/b.csv'" in str(failure)
    assert "https://receiver.example/in" in str(failure)


def test_who_sends_us_elsewhere_is_quoted() -> None:
    failure = Refusal(status=302, elsewhere="login.example").failure("write", "a", receiver="x")

    assert "sends us to login.example" in str(failure)


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://Login.example:8443/in?next=secret", "login.example"),
        ("https://[2001:db8::1]/", "2001:db8::1"),
        ("https://me:secret@login.example/", "login.example"),
        ("/in", None),
        ("https://[login", None),
        (f"https://{'x' * 254}/", None),
        ("https://log\x1bin/", None),
    ],
)
def test_of_an_address_the_host_is_told_if_it_is_one(address: str, host: str | None) -> None:
    assert host_in(address) == host


def test_a_receiver_that_asks_for_a_while_is_heard() -> None:
    failure = Refusal(status=503, wait=7).failure("write", "a", receiver="x")

    assert isinstance(failure, TransientFailure)
    assert failure.wait == 7


@pytest.mark.parametrize(
    ("status", "open_"), [(500, True), (504, True), (503, False), (429, False), (412, False)]
)
def test_a_refusal_says_whether_what_was_asked_for_may_have_been_done(status: int, open_: bool) -> None:
    assert Refusal(status=status).failure("write", "a", receiver="x").unheard is open_
