"""The gate checks what the server behind it does not."""

from collections.abc import Callable

import pytest
import requests
from google.api_core.exceptions import Forbidden, NotFound, PreconditionFailed
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import AuthorizedSession
from google.cloud.storage import Bucket
from google.oauth2.service_account import Credentials

from export_pipeline.connectors.gcs_store import SCOPES, Tokens
from export_pipeline_tests.servers.gcs import GcsServer
from export_pipeline_tests.servers.gcs_gate import Account


@pytest.fixture
def bucket(gcs_server: GcsServer) -> Bucket:
    return gcs_server.client().bucket(gcs_server.new_bucket())


def session(bucket: Bucket, generation: int | None = None) -> str:
    blob = bucket.blob("a")
    url: str = blob.create_resumable_upload_session(
        "text/plain", if_generation_match=generation, checksum=None
    )
    return url


@pytest.fixture
def http(gcs_server: GcsServer) -> AuthorizedSession:
    return AuthorizedSession(
        Tokens(lambda: Credentials.from_service_account_info(dict(gcs_server.admin.info), scopes=SCOPES))
    )


def test_conditions_hold_in_one_request(bucket: Bucket) -> None:
    bucket.blob("a").upload_from_string(b"1", if_generation_match=0)

    with pytest.raises(PreconditionFailed):
        bucket.blob("a").upload_from_string(b"2", if_generation_match=0)


def test_conditions_hold_when_a_session_begins_and_when_it_ends(
    bucket: Bucket, http: AuthorizedSession
) -> None:
    begun = session(bucket, 0)
    bucket.blob("a").upload_from_string(b"1")

    with pytest.raises(PreconditionFailed):
        session(bucket, 0)
    ended = http.put(begun, data=b"22", headers={"Content-Range": "bytes 0-1/2"})

    assert ended.status_code == 412
    assert bucket.blob("a").download_as_bytes() == b"1"


def test_conditions_hold_for_deletion(bucket: Bucket) -> None:
    blob = bucket.blob("a")
    blob.upload_from_string(b"1")

    with pytest.raises(PreconditionFailed):
        blob.delete(if_generation_match=1)
    blob.delete(if_generation_match=blob.generation)

    assert not blob.exists()


def test_a_session_says_how_far_it_is(bucket: Bucket, http: AuthorizedSession) -> None:
    url, part = session(bucket), b"x" * 262_144
    how_far = {"Content-Range": "bytes */*"}

    assert "Range" not in http.put(url, headers=how_far, allow_redirects=False).headers
    http.put(url, data=part, headers={"Content-Range": "bytes 0-262143/*"}, allow_redirects=False)
    assert http.put(url, headers=how_far, allow_redirects=False).headers["Range"] == "bytes=0-262143"
    http.put(url, data=b"end", headers={"Content-Range": "bytes 262144-262146/262147"})
    ended = http.put(url, headers=how_far, allow_redirects=False)

    assert (ended.status_code, ended.json()["size"]) == (200, "262147")
    assert bucket.blob("a").download_as_bytes() == part + b"end"


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"Content-Range": "bytes 5-6/7"}, 400),
        ({"Content-Range": "bytes 0-1/2", "X-Goog-Hash": "crc32c=AAAAAA=="}, 400),
    ],
)
def test_what_was_spoilt_on_the_way_is_no_object(
    bucket: Bucket, http: AuthorizedSession, fields: dict[str, str], status: int
) -> None:
    answer = http.put(session(bucket), data=b"22", headers=fields)

    assert answer.status_code == status
    assert not bucket.blob("a").exists()


def test_a_session_given_up_is_gone(bucket: Bucket, http: AuthorizedSession) -> None:
    url = session(bucket)

    assert http.delete(url).status_code == 499
    assert http.put(url, data=b"1", headers={"Content-Range": "bytes 0-0/1"}).status_code == 404


@pytest.mark.parametrize(
    ("account", "use"),
    [
        (lambda server: server.reader, lambda blob: blob.upload_from_string(b"2")),
        (lambda server: server.reader, lambda blob: blob.delete()),
        (lambda server: server.writer, lambda blob: blob.download_as_bytes()),
        (lambda server: server.writer, lambda blob: blob.delete()),
    ],
)
def test_accounts_have_the_rights_they_have(
    gcs_server: GcsServer,
    bucket: Bucket,
    account: Callable[[GcsServer], Account],
    use: Callable[[object], object],
) -> None:
    bucket.blob("a").upload_from_string(b"1")

    with pytest.raises(Forbidden, match="does not have storage"):
        use(gcs_server.client(account(gcs_server)).bucket(bucket.name).blob("a"))


def test_nobody_comes_in_without_a_token(gcs_server: GcsServer) -> None:
    url = f"{gcs_server.endpoint_url}/storage/v1/b?project=tests"

    assert requests.get(url).status_code == 401
    assert requests.get(url, headers={"Authorization": "Bearer guessed"}).status_code == 401


def test_nobody_gets_a_token_with_anothers_key(gcs_server: GcsServer) -> None:
    with pytest.raises(RefreshError, match="invalid_grant"):
        gcs_server.client(gcs_server.stranger).lookup_bucket("any")


def test_it_says_whether_bucket_or_object_is_missing(gcs_server: GcsServer, bucket: Bucket) -> None:
    with pytest.raises(NotFound, match="No such object"):
        bucket.blob("b").reload()
    with pytest.raises(NotFound, match="bucket does not exist"):
        gcs_server.client().bucket("nobody-made-this").blob("b").reload()
