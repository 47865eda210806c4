"""The S3 servers of the tests check what the tests rely on."""

import pytest
from botocore.exceptions import ClientError

from export_pipeline_tests.servers.s3 import S3Server, moto, seaweed, seaweed_is_here


@pytest.mark.skipif(not seaweed_is_here(), reason="NO SEAWEEDFS ON THIS MACHINE")
def test_seaweedfs_honours_conditions_and_ends_with_its_block() -> None:
    with seaweed() as server:
        assert_second_creation_is_refused(server)

    with pytest.raises(Exception, match="Could not connect"):
        server.new_bucket()


def test_moto_honours_conditions_and_ends_with_its_block() -> None:
    with moto() as server:
        assert_second_creation_is_refused(server)

    with pytest.raises(Exception, match="Could not connect"):
        server.new_bucket()


def assert_second_creation_is_refused(server: S3Server) -> None:
    bucket = server.new_bucket()
    server.client().put_object(Bucket=bucket, Key="a", Body=b"1", IfNoneMatch="*")
    with pytest.raises(ClientError, match="PreconditionFailed"):
        server.client().put_object(Bucket=bucket, Key="a", Body=b"2", IfNoneMatch="*")
