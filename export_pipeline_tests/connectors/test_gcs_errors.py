"""What refusals of Google Cloud Storage become."""

import pytest
from google.auth.exceptions import RefreshError, TransportError
from requests import Response

from export_pipeline.connectors.gcs_errors import Refusal, refusal_in, without_token
from export_pipeline.errors import Conflict, Denied, HourFailed, Kept, PermanentFailure, TransientFailure

GONE = "cannot be deleted or overwritten until 2033-02-02"


@pytest.mark.parametrize(
    ("status", "text", "kind", "says"),
    [
        (401, "Invalid Credentials", Denied, "check the connector's credentials"),
        (403, "does not have storage.objects.create access", Denied, "objects.create"),
        (
            403,
            f"Object 'a' is subject to bucket's retention policy and {GONE}",
            Kept,
            "retention policy, or a",
        ),
        (
            403,
            f"Object 'a' is under active Temporary hold and {GONE}",
            Kept,
            "or a hold, keeps what is there",
        ),
        (403, "me@x does not have storage.objects.delete access", Kept, "let it delete objects too"),
        (404, "The specified bucket does not exist.", PermanentFailure, "no such bucket"),
        (400, "Invalid argument", PermanentFailure, "the store refuses (Invalid argument)"),
        (412, "conditions did not hold", Conflict, "try again"),
        (409, "", Conflict, "try again"),
        (404, "No such upload", TransientFailure, "again later"),
        (410, "", TransientFailure, "again later"),
        (408, "", TransientFailure, "again later"),
        (429, "rate limit", TransientFailure, "again later"),
        (503, "", TransientFailure, "again later (status 503)"),
        (302, "", PermanentFailure, "change `endpoint_url` (status 302)"),
        (200, "", TransientFailure, "again later"),
    ],
)
def test_a_refusal_is_sorted_by_what_to_do_next(
    status: int, text: str, kind: type[HourFailed], says: str
) -> None:
    failure = Refusal(status=status, text=text).failure("write", "a/b.csv", bucket="sales")

    assert type(failure) is kind
    assert says in str(failure)
    assert "'a/b.csv'" in str(failure)
    assert "'sales'" in str(failure)


def test_a_stores_words_are_not_told_for_pages() -> None:
    assert len(str(Refusal(status=400, text="x" * 900_000).failure("write", "a", bucket="sales"))) < 500


def an_answer(status: int, body: bytes) -> Response:
    answer = Response()
    answer.status_code = status
    answer.headers["Retry-After"] = "7"
    answer._content = body
    return answer


def test_an_answer_is_read_for_its_words_and_its_wait() -> None:
    refusal = refusal_in(an_answer(503, b'{"error": {"message": "Backend Error"}}'))

    assert refusal == Refusal(status=503, text="Backend Error", wait=7)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"error": "x"}', b'{"error": {}}', b'{"error": {"message": 5}}']
)
def test_an_answer_without_words_is_one_still(body: bytes) -> None:
    assert refusal_in(an_answer(502, body)) == Refusal(status=502, text="", wait=7)


@pytest.mark.parametrize(
    ("status", "open_"), [(500, True), (504, True), (503, False), (429, False), (412, False)]
)
def test_a_refusal_says_whether_what_was_asked_for_may_have_been_done(status: int, open_: bool) -> None:
    assert Refusal(status=status, text="").failure("write", "a", bucket="sales").unheard is open_


@pytest.mark.parametrize(("retryable", "kind"), [(True, TransientFailure), (False, Denied)])
def test_who_gives_out_tokens_says_whether_it_may_do_so_later(
    retryable: bool, kind: type[HourFailed]
) -> None:
    refused = RefreshError("invalid_grant", retryable=retryable)

    assert type(without_token(refused, "write", "a.csv", bucket="sales")) is kind


def test_a_metadata_server_that_is_not_heard_may_be_heard_later() -> None:
    silence = RefreshError("unavailable")
    silence.__cause__ = TransportError("unavailable")

    assert type(without_token(silence, "write", "a.csv", bucket="sales")) is TransientFailure
