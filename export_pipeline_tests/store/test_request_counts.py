"""Requests are granted up to a limit in each window."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from export_pipeline.store.database import writing
from export_pipeline.store.request_counts import count_contributor_requests, count_requests, forget_counts
from export_pipeline_tests.store.test_api_keys import added

WINDOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


def test_requests_are_granted_up_to_the_limit_of_a_window(control: sa.Engine) -> None:
    key, other = added(control, "d1").id, added(control, "d2").id
    with writing(control) as connection:
        granted = [count_requests(connection, key, WINDOW, 4, limit=10) for _ in range(4)]
        assert granted == [4, 4, 2, 0]
        assert count_requests(connection, other, WINDOW, 4, limit=10) == 4
        assert count_requests(connection, key, WINDOW + timedelta(minutes=1), 4, limit=10) == 4


def test_a_data_connectors_are_granted_likewise_and_forgotten(control: sa.Engine) -> None:
    """One that is deleted meanwhile has its count none the less, until it is old."""
    later = WINDOW + timedelta(minutes=1)
    with writing(control) as connection:
        granted = [count_contributor_requests(connection, "c1", WINDOW, 4, limit=10) for _ in range(4)]
        assert granted == [4, 4, 2, 0]
        assert count_contributor_requests(connection, "c2", WINDOW, 4, limit=10) == 4
        assert count_contributor_requests(connection, "c1", later, 4, limit=10) == 4
        assert forget_counts(connection, later) == 1
