"""How files are to be kept is said with every request that makes an object, and the store shows it."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pydantic import ValidationError

from export_pipeline.connectors.connector import config_from
from export_pipeline.connectors.s3_storage import S3Storage
from export_pipeline.errors import Denied, InvalidRequest
from export_pipeline_tests.connectors.objects import MIB, noise, put, read
from export_pipeline_tests.servers.s3 import S3Server

SIZES = {"in one request": 3, "in parts": 9 * MIB}
EVERYTHING = {
    "encryption": "aws:kms",
    "kms_key_id": "alias/exports",
    "bucket_key_enabled": True,
    "storage_class": "STANDARD_IA",
    "tags": {"team": "data + more", "cost:centre": "7"},
}
SENT = {
    "x-amz-server-side-encryption": "aws:kms",
    "x-amz-server-side-encryption-aws-kms-key-id": "alias/exports",
    "x-amz-server-side-encryption-bucket-key-enabled": "true",
    "x-amz-storage-class": "STANDARD_IA",
    "x-amz-tagging": "team=data+%2B+more&cost%3Acentre=7",
}


@contextmanager
def recorded(port: int) -> Iterator[tuple[str, list[tuple[str, str, dict[str, str]]]]]:
    """A way to the server, and what was asked there: method, path, fields."""
    asked: list[tuple[str, str, dict[str, str]]] = []

    class Recording(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            asked.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}))
            there = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            there.request(self.command, self.path, body, dict(self.headers.items()))
            answer = there.getresponse()
            told = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)
            there.close()

        do_PUT = do_POST = do_DELETE = do_GET = pass_on  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Recording) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", asked
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_it_is_said_once_for_every_object_and_no_acl(moto_server: S3Server, size: int) -> None:
    bucket = moto_server.new_bucket()
    storage = S3Storage.model_validate(EVERYTHING)
    with recorded(moto_server.port) as (url, asked):
        config = moto_server.config(bucket, endpoint_url=url, **dict(storage))
        put(config.open(), "a.csv", noise(size))

    making = [
        fields
        for method, path, fields in asked
        if (method == "POST" and path.endswith("?uploads")) or (method == "PUT" and "uploadId" not in path)
    ]
    assert [{name: fields.get(name) for name in SENT} for fields in making] == [SENT]
    assert not [name for _, _, fields in asked for name in fields if "acl" in name or "grant" in name]


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("encryption", ["aws:kms", "AES256"])
def test_the_store_shows_it_and_versions_are_not_taken_apart(
    moto_server: S3Server, size: int, encryption: str
) -> None:
    bucket = moto_server.new_bucket()
    given: dict[str, Any] = {
        "encryption": encryption,
        "storage_class": "STANDARD_IA",
        "tags": {"team": "data"},
    }
    destination = moto_server.config(bucket, **given).open()

    version = put(destination, "a.csv", noise(size))
    put(destination, "a.csv", b"another revision", replaces=version)

    assert read(destination, "a.csv") == b"another revision"
    client = moto_server.client()
    found = client.head_object(Bucket=bucket, Key="a.csv")
    assert (found["ServerSideEncryption"], found["StorageClass"]) == (encryption, "STANDARD_IA")
    tags = client.get_object_tagging(Bucket=bucket, Key="a.csv")["TagSet"]
    assert tags == [{"Key": "team", "Value": "data"}]


def test_a_second_store_keeps_class_and_tags(s3_server: S3Server) -> None:
    bucket = s3_server.new_bucket()
    config = s3_server.config(bucket, storage_class="STANDARD_IA", tags={"team": "data"})
    for key, size in (("small.csv", 3), ("large.csv", 9 * MIB)):
        put(config.open(), key, noise(size))

        client = s3_server.client()
        assert client.head_object(Bucket=bucket, Key=key)["StorageClass"] == "STANDARD_IA"
        tags = client.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
        assert tags == [{"Key": "team", "Value": "data"}]


def test_a_bucket_whose_owner_owns_all_takes_objects(moto_server: S3Server) -> None:
    bucket = moto_server.new_bucket()
    moto_server.client().put_bucket_ownership_controls(
        Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    )

    put(moto_server.config(bucket).open(), "a.csv", b"1")

    assert read(moto_server.config(bucket).open(), "a.csv") == b"1"


def test_a_denial_says_what_rights_the_fields_take(moto_server: S3Server) -> None:
    config = moto_server.config(
        moto_server.new_bucket(), user=moto_server.reader, **{**EVERYTHING, "tags": {"team": "data"}}
    )

    with pytest.raises(Denied, match="s3:PutObjectTagging for `tags`, kms:GenerateDataKey and kms:Decrypt"):
        put(config.open(), "a.csv", b"1")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"encryption": "aes256"}, "encryption"),
        ({"kms_key_id": "alias/exports"}, "say which"),
        ({"encryption": "AES256", "kms_key_id": "alias/exports"}, "say which"),
        ({"encryption": "aws:kms:dsse", "bucket_key_enabled": True}, "say so, or leave it out"),
        ({"encryption": "aws:kms", "kms_key_id": "two words"}, "kms_key_id"),
        ({"storage_class": "GLACIER"}, "GLACIER has to be restored before it can be read"),
        ({"storage_class": "DEEP_ARCHIVE"}, "take GLACIER_IR"),
        ({"tags": {str(number): "" for number in range(11)}}, "takes 10 tags"),
        ({"tags": {"": "x"}}, "no tag's name"),
        ({"tags": {"aws:mine": "x"}}, "no tag's name"),
        ({"tags": {"x" * 129: ""}}, "no tag's name"),
        ({"tags": {"a": "x" * 257}}, "up to 256"),
        ({"tags": {"a": "<b>"}}, "the tag 'a' may hold"),
    ],
)
def test_what_s3_would_refuse_is_refused_before(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        S3Storage.model_validate(given)


def test_the_field_is_named() -> None:
    with pytest.raises(InvalidRequest, match="storage_class: DEEP_ARCHIVE has to be restored"):
        config_from({"type": "s3", "bucket": "sales", "storage_class": "DEEP_ARCHIVE"})


def test_what_is_not_asked_for_is_not_said() -> None:
    assert S3Storage().kept == {}
    assert S3Storage().rights == {}
