"""What people may do with tasks: which ranges are taken, and what is shown of a task."""

from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from export_pipeline.connectors.lifecycle import ConnectorState
from export_pipeline.control.exports import create_export, delete_export
from export_pipeline.control.tasks import (
    MAX_HOURS,
    cancel_task,
    create_task,
    delete_task,
    retry_task,
    show_task,
    show_tasks,
)
from export_pipeline.errors import Gone, InvalidRequest, NotFound, WrongState
from export_pipeline.exports.export import Export
from export_pipeline.exports.task import ExportTask, TaskStatus
from export_pipeline.store.connector_states import change_state
from export_pipeline.store.database import reading, writing
from export_pipeline.store.exports import find_export
from export_pipeline.store.ledger import write_entry, write_failure
from export_pipeline.store.tasks import find_task, list_tasks, queued_tasks, start_task
from export_pipeline.windows import floor
from export_pipeline_tests.builders import (
    ORGANIZATION,
    a_dataset,
    a_definition,
    a_failure,
    a_ledger_entry,
    an_hour,
)
from export_pipeline_tests.control_databases import KEY, stored_connector

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
FIRST = an_hour().start
END = an_hour(100_000).start


@pytest.fixture
def export(control: sa.Engine) -> Export:
    """`flights`, standing, for all the hours that one export takes."""
    return made(control, "flights")


@pytest.fixture
def once(control: sa.Engine) -> Export:
    """`once`, which serves tasks only."""
    return made(control, "once", standing=False)


def made(control: sa.Engine, slug: str, *, standing: bool = True, **changes: Any) -> Export:
    stored_connector(control, name=slug, state=ConnectorState.RUNNING)
    with writing(control) as connection:
        return create_export(
            connection,
            KEY,
            a_dataset(),
            organization=ORGANIZATION,
            slug=slug,
            connector=slug,
            definition=a_definition(**{"until": END} | changes),
            standing=standing,
        )


def create(
    control: sa.Engine, export: Export, since: datetime, until: datetime, *, force: bool = False
) -> ExportTask:
    with writing(control) as connection:
        return create_task(
            connection, organization=ORGANIZATION, export=export.slug, since=since, until=until, force=force
        )


def refusal(control: sa.Engine, export: Export, since: datetime, until: datetime) -> InvalidRequest:
    """The refusal of a range; nothing new is stored."""
    with reading(control) as connection:
        before = list_tasks(connection, ORGANIZATION)
    with pytest.raises(InvalidRequest) as caught:
        create(control, export, since, until)
    with reading(control) as connection:
        assert list_tasks(connection, ORGANIZATION) == before
    return caught.value


def test_a_task_is_stored_and_waits(control: sa.Engine, export: Export) -> None:
    task = create(control, export, FIRST, FIRST + 24 * HOUR, force=True)

    with reading(control) as connection:
        assert queued_tasks(connection, 10) == [task]
    assert task.force
    assert len(task.windows(export.definition.layout)) == 24


@pytest.mark.parametrize("until", [FIRST + HOUR, FIRST])
def test_a_range_that_does_not_end_after_it_begins_is_refused(
    control: sa.Engine, export: Export, until: datetime
) -> None:
    error = refusal(control, export, FIRST + HOUR, until)

    assert error.field == "until"
    assert "is not after the start" in str(error)


def test_what_lies_before_the_export_is_refused(control: sa.Engine, export: Export) -> None:
    error = refusal(control, export, FIRST - HOUR, FIRST + HOUR)

    assert error.field == "since"
    assert "begins at 2013-01-01T00:00:00" in str(error)


def test_what_lies_behind_the_export_is_refused(control: sa.Engine) -> None:
    export = made(control, "short", until=FIRST + 2 * HOUR)

    error = refusal(control, export, FIRST, FIRST + 3 * HOUR)

    assert error.field == "until"
    assert "ends at 2013-01-01T02:00:00" in str(error)
    assert create(control, export, FIRST, FIRST + 2 * HOUR)


def test_an_hour_that_is_not_over_is_refused(control: sa.Engine) -> None:
    now = datetime.now(UTC)
    export = made(control, "today", first_hour=floor(now) - 3 * HOUR, until=floor(now) + 24 * HOUR)

    # Two hours ahead: one of them is not over even if an hour ends while the test runs.
    error = refusal(control, export, floor(now) - HOUR, floor(now) + 2 * HOUR)

    assert error.field == "until"
    assert "may arrive until 10 minutes after their hour" in str(error)


def test_the_hour_that_ended_last_is_taken(control: sa.Engine) -> None:
    over = floor(datetime.now(UTC))
    export = made(control, "today", first_hour=over - 3 * HOUR, until=over + 24 * HOUR, minutes_to_settle=0)

    assert create(control, export, over - HOUR, over)


def test_the_longest_range_is_taken_and_no_longer_one(control: sa.Engine, export: Export) -> None:
    assert create(control, export, FIRST, FIRST + MAX_HOURS * HOUR)

    error = refusal(control, export, FIRST, FIRST + (MAX_HOURS + 1) * HOUR)

    assert error.field == "until"
    assert "at most 8,784 hours; ask for a shorter range" in str(error)


@pytest.mark.parametrize(("since", "until", "field"), [(30, 120, "since"), (0, 90, "until")])
def test_a_standing_export_is_delivered_in_whole_hours(
    control: sa.Engine, export: Export, since: int, until: int, field: str
) -> None:
    error = refusal(control, export, FIRST + since * MINUTE, FIRST + until * MINUTE)

    assert error.field == field
    assert "not on the hour" in str(error)


def test_an_export_that_serves_tasks_only_takes_parts_of_hours(control: sa.Engine, once: Export) -> None:
    task = create(control, once, FIRST + 30 * MINUTE, FIRST + 90 * MINUTE)

    assert [window.whole for window in task.windows(once.definition.layout)] == [False, False]


@pytest.mark.parametrize(
    ("since", "until", "field"),
    [
        (0, 60, "since"),  # the whole of an hour of which a part was asked for
        (0, 45, "until"),  # the rest of it is another matter, but the file would be the same
        (60, 90, "until"),  # a part of an hour that was asked for whole
        (0, 75, "since"),
        (80, 180, "since"),
        (45, 100, "until"),
    ],
)
def test_two_parts_of_one_hour_are_not_both_taken(
    control: sa.Engine, once: Export, since: int, until: int, field: str
) -> None:
    # An hour is delivered once; the second task would find it there, and be told that it is finished.
    task = create(control, once, FIRST + 45 * MINUTE, FIRST + 150 * MINUTE)

    error = refusal(control, once, FIRST + since * MINUTE, FIRST + until * MINUTE)

    assert error.field == field
    assert task.id in str(error)
    assert "another part of the hour" in str(error)


def test_of_two_parts_of_an_hour_that_are_asked_for_at_once_one_is_taken(
    control: sa.Engine, once: Export
) -> None:
    with ThreadPoolExecutor(1) as pool:
        with writing(control) as connection:
            create_task(connection, organization=ORGANIZATION, export="once", since=FIRST, until=FIRST + HOUR)
            second = pool.submit(create, control, once, FIRST, FIRST + MINUTE)
            wait([second], timeout=0.5)  # it must not have looked before the first one is stored

        with pytest.raises(InvalidRequest, match="another part of the hour"):
            second.result(60)


@pytest.mark.parametrize(("since", "until"), [(45, 150), (45, 120), (60, 120), (60, 150), (180, 190)])
def test_the_same_parts_are_taken_again(control: sa.Engine, once: Export, since: int, until: int) -> None:
    create(control, once, FIRST + 45 * MINUTE, FIRST + 150 * MINUTE)

    assert create(control, once, FIRST + since * MINUTE, FIRST + until * MINUTE)


def test_another_export_may_be_asked_for_another_part(control: sa.Engine, once: Export) -> None:
    create(control, once, FIRST + 45 * MINUTE, FIRST + 150 * MINUTE)

    assert create(control, made(control, "second", standing=False), FIRST, FIRST + 15 * MINUTE)


def test_an_unknown_export_is_not_found(control: sa.Engine, export: Export) -> None:
    with (
        pytest.raises(NotFound, match="no export 'flight'; there are: flights"),
        writing(control) as connection,
    ):
        create_task(connection, organization=ORGANIZATION, export="flight", since=FIRST, until=FIRST + HOUR)
    assert export.slug == "flights"


def test_another_organizations_export_is_not_found(control: sa.Engine, export: Export) -> None:
    with pytest.raises(NotFound), writing(control) as connection:
        create_task(connection, organization="other", export=export.slug, since=FIRST, until=FIRST + HOUR)


def test_a_task_is_shown_with_its_progress_and_its_failures(control: sa.Engine, export: Export) -> None:
    task = create(control, export, FIRST, FIRST + 4 * HOUR)
    later = task.requested_at + HOUR
    failure = a_failure(export_id=export.id, hour=FIRST + 3 * HOUR, failed_at=later)
    with writing(control) as connection:
        start_task(connection, task.id)
        write_entry(connection, a_ledger_entry(export_id=export.id, hour=FIRST))
        write_failure(connection, failure)
        write_failure(
            connection,
            a_failure(export_id=export.id, hour=FIRST + HOUR, failed_at=task.requested_at - HOUR),
        )

    with reading(control) as connection:
        view = show_task(connection, ORGANIZATION, task.id)

    assert view.status is TaskStatus.STARTED
    assert view.progress == 25
    assert (view.counts.hours, view.counts.delivered, view.counts.failed) == (4, 1, 1)
    assert view.failures == (failure,)
    assert view.export == export
    assert (view.delivered.hours, view.delivered.rows, view.ended_at) == (1, 2, None)


def test_a_task_whose_hours_are_there_ended_when_the_last_was_found(
    control: sa.Engine, export: Export
) -> None:
    task = create(control, export, FIRST, FIRST + HOUR)
    proven = task.requested_at + HOUR
    with writing(control) as connection:
        write_entry(connection, a_ledger_entry(export_id=export.id, hour=FIRST, proven_at=proven))
        view = show_task(connection, ORGANIZATION, task.id)

    assert (view.status, view.ended_at) == (TaskStatus.FINISHED, proven)


def test_tasks_are_shown_the_newest_first(control: sa.Engine, export: Export, once: Export) -> None:
    tasks = [create(control, owner, FIRST, FIRST + HOUR) for owner in (export, once, export)]

    with reading(control) as connection:
        everything = show_tasks(connection, ORGANIZATION)
        of_one = show_tasks(connection, ORGANIZATION, export="once")
        latest = show_tasks(connection, ORGANIZATION, limit=1)

    assert [view.task for view in everything] == tasks[::-1]
    assert [view.task for view in of_one] == [tasks[1]]
    assert [view.task for view in latest] == [tasks[2]]


def test_tasks_of_an_unknown_export_are_not_found(control: sa.Engine) -> None:
    with reading(control) as connection, pytest.raises(NotFound):
        show_tasks(connection, ORGANIZATION, export="none")


def test_organizations_do_not_see_each_others_tasks(control: sa.Engine, export: Export) -> None:
    task = create(control, export, FIRST, FIRST + HOUR)

    with reading(control) as connection:
        assert show_tasks(connection, "other") == []
        with pytest.raises(NotFound):
            show_task(connection, "other", task.id)


def test_a_queued_task_says_what_it_waits_for_and_nothing_once_it_is_taken_up(
    control: sa.Engine, export: Export
) -> None:
    with writing(control) as connection:
        task = create_task(
            connection, organization=ORGANIZATION, export="flights", since=FIRST, until=FIRST + HOUR
        )
        assert show_task(connection, ORGANIZATION, task.id).waits_for is None
        change_state(
            connection, export.connector_id, ConnectorState.FAILED, "It is refused.", now=datetime.now(UTC)
        )
        view = show_task(connection, ORGANIZATION, task.id)
        assert (view.status, view.waits_for) == (
            TaskStatus.QUEUED,
            "connector 'flights', which is FAILED: It is refused.",
        )
        start_task(connection, task.id)
        assert show_task(connection, ORGANIZATION, task.id).waits_for is None


def failed_task(control: sa.Engine, export: Export) -> ExportTask:
    """A task of two hours that is through: one is delivered, the other failed."""
    task = create(control, export, FIRST, FIRST + 2 * HOUR)
    later = task.requested_at + HOUR
    with writing(control) as connection:
        start_task(connection, task.id)
        write_entry(connection, a_ledger_entry(export_id=export.id, hour=FIRST))
        write_failure(connection, a_failure(export_id=export.id, hour=FIRST + HOUR, failed_at=later))
    return task


def test_a_queued_task_that_is_cancelled_is_over(control: sa.Engine, export: Export) -> None:
    task = create(control, export, FIRST, FIRST + HOUR)

    with writing(control) as connection:
        view = cancel_task(connection, ORGANIZATION, task.id, by="Anna")

    assert (view.status, view.task.error) == (TaskStatus.ERROR, view.task.cancellation)
    assert "cancelled by Anna" in str(view.task.error)


def test_a_started_task_that_is_cancelled_is_under_way_until_its_run_has_stopped(
    control: sa.Engine, export: Export
) -> None:
    task = create(control, export, FIRST, FIRST + HOUR)
    with writing(control) as connection:
        start_task(connection, task.id)
        first = cancel_task(connection, ORGANIZATION, task.id, by="Anna")
        again = cancel_task(connection, ORGANIZATION, task.id, by="Bert")

    assert (first.status, first.task.cancelled_by, first.ended_at) == (TaskStatus.STARTED, "Anna", None)
    assert again == first


def test_what_has_ended_is_not_cancelled(control: sa.Engine, export: Export) -> None:
    task = failed_task(control, export)

    with pytest.raises(WrongState) as caught, writing(control) as connection:
        cancel_task(connection, ORGANIZATION, task.id, by="Anna")

    assert (caught.value.state, caught.value.allowed) == ("ERROR", ("retry",))
    with reading(control) as connection:
        assert find_task(connection, ORGANIZATION, task.id).cancellation is None


def test_a_task_is_tried_again_and_its_failures_are_forgotten(control: sa.Engine, export: Export) -> None:
    task = failed_task(control, export)

    with writing(control) as connection:
        queued = retry_task(connection, ORGANIZATION, task.id)
        start_task(connection, task.id)
        started = show_task(connection, ORGANIZATION, task.id)

    assert (queued.status, queued.counts.delivered, queued.failures) == (TaskStatus.QUEUED, 1, ())
    assert started.status is TaskStatus.STARTED


@pytest.mark.parametrize(("started", "allowed"), [(False, ("cancel",)), (True, ("cancel",))])
def test_what_has_not_failed_is_not_tried_again(
    control: sa.Engine, export: Export, started: bool, allowed: tuple[str, ...]
) -> None:
    task = create(control, export, FIRST, FIRST + HOUR)
    with writing(control) as connection:
        if started:
            start_task(connection, task.id)
        with pytest.raises(WrongState) as caught:
            retry_task(connection, ORGANIZATION, task.id)

    assert caught.value.allowed == allowed


def test_a_finished_task_is_not_tried_again(control: sa.Engine, export: Export) -> None:
    task = create(control, export, FIRST, FIRST + HOUR)
    with writing(control) as connection:
        write_entry(connection, a_ledger_entry(export_id=export.id, hour=FIRST))
        with pytest.raises(WrongState) as caught:
            retry_task(connection, ORGANIZATION, task.id)

    assert (caught.value.state, caught.value.allowed) == ("FINISHED", ())


def test_a_task_of_a_deleted_export_is_not_tried_again(control: sa.Engine, export: Export) -> None:
    task = failed_task(control, export)
    with writing(control) as connection:
        delete_export(connection, ORGANIZATION, export.slug)
        with pytest.raises(WrongState, match="export 'flights', which was deleted"):
            retry_task(connection, ORGANIZATION, task.id)


def test_another_organizations_task_is_neither_cancelled_nor_retried_nor_deleted(
    control: sa.Engine, export: Export
) -> None:
    task = create(control, export, FIRST, FIRST + HOUR)
    with writing(control) as connection:
        with pytest.raises(NotFound):
            cancel_task(connection, "other", task.id, by="Eve")
        with pytest.raises(NotFound):
            retry_task(connection, "other", task.id)
        with pytest.raises(NotFound):
            delete_task(connection, "other", task.id, by="Eve")
        assert show_task(connection, ORGANIZATION, task.id).task == task


def test_a_deleted_task_is_cancelled_and_gone_and_a_named_export_stays(
    control: sa.Engine, export: Export
) -> None:
    task = create(control, export, FIRST, FIRST + HOUR)
    with writing(control) as connection:
        delete_task(connection, ORGANIZATION, task.id, by="Anna")

        assert queued_tasks(connection, 10) == []
        with pytest.raises(Gone):
            show_task(connection, ORGANIZATION, task.id)
        assert find_export(connection, ORGANIZATION, export.slug) == export
