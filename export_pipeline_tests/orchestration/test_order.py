"""A run's hours, cut into chunks."""

from export_pipeline.orchestration.order import Order, cut, windows_of
from export_pipeline_tests.installations import hours


def test_chunks_hold_every_hour_once_and_in_order() -> None:
    order = Order(export_id="e", hours=tuple(hours(0, 10)), proven_since=None, notes_waits=True)
    chunks = list(cut(order, 4))
    assert [len(chunk.hours) for chunk in chunks] == [4, 4, 3]
    assert [window for chunk in chunks for window in chunk.hours] == hours(0, 10)


def test_partition_keys_are_hours() -> None:
    assert windows_of([window.key for window in hours(2, 4)]) == tuple(hours(2, 4))
