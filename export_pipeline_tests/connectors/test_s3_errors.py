"""What refusals of an S3 store become."""

from typing import Any

import pytest

from export_pipeline.connectors.s3_errors import Refusal, refusal_in, status_of
from export_pipeline.errors import (
    Conflict,
    Contended,
    Denied,
    HourFailed,
    Kept,
    PermanentFailure,
    TransientFailure,
)


@pytest.mark.parametrize(
    ("status", "code", "kind", "says"),
    [
        (403, "AccessDenied", Denied, "check the connector's credentials and what they may do"),
        (403, "SignatureDoesNotMatch", Denied, "`secret_access_key` is not that of `access_key_id`"),
        (403, "InvalidAccessKeyId", Denied, "does not know this `access_key_id`"),
        (401, "", Denied, "check the connector's credentials"),
        (400, "ExpiredToken", Denied, "check the connector's credentials"),
        (403, "RequestTimeTooSkewed", PermanentFailure, "clocks"),
        (400, "RequestExpired", PermanentFailure, "clocks"),
        (404, "NoSuchBucket", PermanentFailure, "no such bucket"),
        (301, "PermanentRedirect", PermanentFailure, "'eu-west-1'"),
        (400, "AuthorizationHeaderMalformed", PermanentFailure, "change `region`"),
        (400, "InvalidRequest", PermanentFailure, "the store's own words"),
        (501, "NotImplemented", PermanentFailure, "another store"),
        (412, "PreconditionFailed", Conflict, "try again"),
        (409, "ConditionalRequestConflict", Contended, "at this moment; try again"),
        (409, "OperationAborted", Contended, "at this moment; try again"),
        (404, "NoSuchKey", Conflict, "try again"),
        (404, "NoSuchUpload", TransientFailure, "again later"),
        (400, "BadDigest", TransientFailure, "again later"),
        (400, "RequestTimeout", TransientFailure, "again later"),
        (429, "TooManyRequests", TransientFailure, "again later"),
        (503, "SlowDown", TransientFailure, "again later"),
        (500, "InternalError", TransientFailure, "again later"),
    ],
)
def test_a_refusal_is_sorted_by_what_to_do_next(
    status: int, code: str, kind: type[HourFailed], says: str
) -> None:
    refusal = Refusal(status=status, code=code, text="the store's own words")

    failure = refusal.failure("write", "a/b.csv", bucket="sales", region="eu-west-1")

    assert type(failure) is kind
    assert says in str(failure)
    assert "'a/b.csv'" in str(failure)
    assert "'sales'" in str(failure)


@pytest.mark.parametrize(
    ("status", "code", "text"),
    [
        (403, "AccessDenied", "Access Denied because object protected by object lock."),
        (400, "InvalidRequest", "Object is WORM protected and cannot be overwritten"),
    ],
)
def test_an_object_that_is_locked_is_told_as_kept(status: int, code: str, text: str) -> None:
    refusal = Refusal(status=status, code=code, text=text)

    failure = refusal.failure("write", "a/b.csv", bucket="sales", region="eu-west-1")

    assert type(failure) is Kept
    assert "the bucket's Object Lock keeps what is there" in str(failure)


@pytest.mark.parametrize(("status", "code"), [(400, "x" * 900_000), (403, "x" * 900_000), (400, "Odd")])
def test_a_stores_words_are_not_told_for_pages(status: int, code: str) -> None:
    refusal = Refusal(status=status, code=code, text="y" * 900_000)

    assert len(str(refusal.failure("write", "a", bucket="sales", region="eu-west-1"))) < 500


@pytest.mark.parametrize(
    ("status", "code", "meant"),
    [
        (500, "InternalError", 500),
        (500, "AccessDenied", 403),
        (500, "PreconditionFailed", 412),
        (500, "SlowDown", 503),
        (500, "ServiceUnavailable", 503),
        (500, "InvalidPart", 400),
        (500, "EntityTooSmall", 400),
        (500, "KMS.DisabledException", 400),
        (500, "NoSuchUpload", 404),
        (500, "NobodyKnowsThis", 500),
        (500, "", 500),
        (403, "AccessDenied", 403),
        (404, "", 404),
    ],
)
def test_an_error_after_a_success_has_the_status_of_its_kind(status: int, code: str, meant: int) -> None:
    """What joins parts says 200 before it knows; the client makes 500 of it, whatever it is."""
    assert status_of({"ResponseMetadata": {"HTTPStatusCode": status}, "Error": {"Code": code}}) == meant


@pytest.mark.parametrize(
    "words", [{}, {"Code": None, "Message": None}, {"Code": {"x": "1"}, "Message": ["y"]}]
)
def test_an_answer_without_words_is_told_by_its_status(words: dict[str, Any]) -> None:
    """Elements may be empty, or hold others."""
    refusal = refusal_in({"ResponseMetadata": {"HTTPStatusCode": 400}, "Error": words})

    assert refusal == Refusal(status=400, code="", text="")
    assert "(status 400)" in str(refusal.failure("write", "a", bucket="sales", region="eu-west-1"))


def test_a_store_that_asks_for_a_while_is_heard() -> None:
    answer = {"ResponseMetadata": {"HTTPStatusCode": 503, "HTTPHeaders": {"retry-after": "7"}}}
    failure = refusal_in(answer).failure("write", "a", bucket="sales", region="eu-west-1")

    assert isinstance(failure, TransientFailure)
    assert failure.wait == 7


def test_an_answer_that_says_nothing_has_no_status() -> None:
    assert status_of({}) == 0
