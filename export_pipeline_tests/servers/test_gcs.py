"""The launcher itself: what the tests believe of their GCS server."""

import pytest
from google.auth.exceptions import TransportError

from export_pipeline_tests.servers.gcs import gcs


def test_it_ends_with_its_block() -> None:
    with gcs() as server:
        server.new_bucket()

    with pytest.raises(TransportError):
        server.client().create_bucket("late", retry=None)


def test_two_servers_know_nothing_of_each_other() -> None:
    with gcs() as one, gcs() as other:
        bucket = one.new_bucket()

        assert one.client().lookup_bucket(bucket) is not None
        assert other.client().lookup_bucket(bucket) is None
