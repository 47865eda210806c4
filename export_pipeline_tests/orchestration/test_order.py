"""A run's hours, cut into chunks."""

from export_pipeline.exports.file_layout import FileLayout
from export_pipeline.orchestration.order import Order, cut, order_of, windows_of
from export_pipeline_tests.builders import a_task
from export_pipeline_tests.installations import hours


def test_chunks_hold_every_hour_once_and_in_order() -> None:
    order = Order(export_id="e", hours=tuple(hours(0, 10)), proven_since=None, notes_waits=True)
    chunks = list(cut(order, 4))
    assert [len(chunk.hours) for chunk in chunks] == [4, 4, 3]
    assert [window for chunk in chunks for window in chunk.hours] == hours(0, 10)


def test_partition_keys_are_hours() -> None:
    assert windows_of([window.key for window in hours(2, 4)]) == tuple(hours(2, 4))


def test_a_tasks_order_asks_for_its_hours_or_for_all_of_them_as_one() -> None:
    task = a_task()
    hourly, single = (order_of(task, layout) for layout in FileLayout)
    assert (len(hourly.hours), len(single.hours)) == (24, 1)
    assert single.hours[0].hours == hourly.hours
    assert [len(chunk.hours) for chunk in cut(single, 4)] == [1]
    assert (hourly.proven_since, hourly.notes_waits) == (None, False)
    assert order_of(a_task(force=True), FileLayout.SINGLE).proven_since == task.requested_at
