"""The S3 servers of the tests check what the tests rely on."""

import pytest
from botocore.exceptions import ClientError

from export_pipeline_tests.servers.s3 import S3Server, moto, seaweed, seaweed_is_here


@pytest.mark.skipif(not seaweed_is_here(), reason="NO SEAWEEDFS ON THIS MACHINE")
def test_seaweedfs_honours_conditions_and_ends_with_its_block() -> None:
    with seaweed() as server:
        assert_second_creation_is_refused(server)
        assert_a_stale_version_is_not_replaced_where_parts_are_joined(server)

    with pytest.raises(Exception, match="Could not connect"):
        server.new_bucket()


def test_moto_honours_conditions_and_ends_with_its_block() -> None:
    with moto() as server:
        assert_second_creation_is_refused(server)
        assert_a_stale_version_is_not_replaced_where_parts_are_joined(server)

    with pytest.raises(Exception, match="Could not connect"):
        server.new_bucket()


def assert_second_creation_is_refused(server: S3Server) -> None:
    bucket = server.new_bucket()
    server.client().put_object(Bucket=bucket, Key="a", Body=b"1", IfNoneMatch="*")
    with pytest.raises(ClientError, match="PreconditionFailed"):
        server.client().put_object(Bucket=bucket, Key="a", Body=b"2", IfNoneMatch="*")


def assert_a_stale_version_is_not_replaced_where_parts_are_joined(server: S3Server) -> None:
    client, bucket = server.client(), server.new_bucket()

    def join(if_match: str) -> None:
        begun = client.create_multipart_upload(Bucket=bucket, Key="a")["UploadId"]
        part = client.upload_part(Bucket=bucket, Key="a", UploadId=begun, PartNumber=1, Body=b"joined")
        client.complete_multipart_upload(
            Bucket=bucket,
            Key="a",
            UploadId=begun,
            IfMatch=if_match,
            MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
        )

    with pytest.raises(ClientError, match=r"NoSuchKey|PreconditionFailed"):
        join('"not there"')
    stale = client.put_object(Bucket=bucket, Key="a", Body=b"1")["ETag"]
    present = client.put_object(Bucket=bucket, Key="a", Body=b"2")["ETag"]
    with pytest.raises(ClientError, match="PreconditionFailed"):
        join(stale)
    join(present)
    assert client.get_object(Bucket=bucket, Key="a")["Body"].read() == b"joined"
