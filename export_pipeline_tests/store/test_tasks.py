"""Stored tasks: requested, queued, taken up, ended."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from export_pipeline.connectors.lifecycle import ConnectorState
from export_pipeline.errors import Gone, NotFound
from export_pipeline.exports.export import Export
from export_pipeline.exports.task import ExportTask
from export_pipeline.store.connector_states import change_state
from export_pipeline.store.database import reading, writing
from export_pipeline.store.exports import hide_export
from export_pipeline.store.schema import TASKS
from export_pipeline.store.tasks import (
    add_task,
    count_tasks,
    count_waiting_tasks,
    delete_task,
    end_task,
    fail_queued_tasks,
    fail_task,
    find_task,
    get_task,
    is_cancelled,
    list_tasks,
    queued_tasks,
    request_cancel,
    requeue_task,
    retry_task,
    start_task,
    tasks_between,
)
from export_pipeline_tests.builders import FIRST_HOUR, ORGANIZATION
from export_pipeline_tests.control_databases import stored_connector, stored_export


@pytest.fixture
def export(control: sa.Engine) -> Export:
    return stored_export(control)


@pytest.fixture
def theirs(control: sa.Engine) -> Export:
    return stored_export(
        control, stored_connector(control, organization="other", state=ConnectorState.RUNNING)
    )


def requested(control: sa.Engine, export: Export, *, force: bool = False) -> ExportTask:
    with writing(control) as connection:
        return add_task(
            connection, export, since=FIRST_HOUR, until=FIRST_HOUR + timedelta(minutes=90), force=force
        )


def queued(control: sa.Engine, limit: int = 100) -> list[ExportTask]:
    with reading(control) as connection:
        return list(queued_tasks(connection, limit))


@pytest.mark.parametrize("force", [True, False])
def test_a_task_comes_back_as_it_was_requested(control: sa.Engine, export: Export, force: bool) -> None:
    task = requested(control, export, force=force)

    with reading(control) as connection:
        assert find_task(connection, ORGANIZATION, task.id) == task
        assert get_task(connection, task.id) == task
    assert (task.organization, task.export_id) == (export.organization, export.id)
    assert (task.started_at, task.error) == (None, None)


def test_organizations_do_not_see_each_others_tasks(control: sa.Engine, theirs: Export) -> None:
    task = requested(control, theirs)

    with reading(control) as connection:
        assert list_tasks(connection, ORGANIZATION) == []
        assert list_tasks(connection, ORGANIZATION, export_id=theirs.id) == []
        with pytest.raises(NotFound, match=task.id):
            find_task(connection, ORGANIZATION, task.id)
        assert list_tasks(connection, "other") == [task]


def test_tasks_are_listed_the_newest_first_and_only_so_many(control: sa.Engine, export: Export) -> None:
    tasks = [requested(control, export) for _ in range(4)]

    with reading(control) as connection:
        assert list_tasks(connection, ORGANIZATION) == tasks[::-1]
        assert list_tasks(connection, ORGANIZATION, limit=2) == [tasks[3], tasks[2]]


def test_tasks_of_one_export_are_listed_when_asked(control: sa.Engine, export: Export) -> None:
    other = stored_export(control, stored_connector(control, name="other"), slug="other")
    task = requested(control, export)
    requested(control, other)

    with reading(control) as connection:
        assert list_tasks(connection, ORGANIZATION, export_id=export.id) == [task]


def test_an_unknown_task_is_not_found(control: sa.Engine) -> None:
    with reading(control) as connection:
        with pytest.raises(NotFound, match="'none' of 'acme'; the list of its tasks"):
            find_task(connection, ORGANIZATION, "none")
        with pytest.raises(NotFound, match="'none'"):
            get_task(connection, "none")


def test_tasks_wait_in_the_order_of_their_requests(
    control: sa.Engine, export: Export, theirs: Export
) -> None:
    tasks = [requested(control, owner) for owner in (export, theirs, export)]

    assert queued(control) == tasks
    assert queued(control, limit=2) == tasks[:2]


def test_a_task_that_is_taken_up_waits_no_more(control: sa.Engine, export: Export) -> None:
    task = requested(control, export)
    waiting = requested(control, export)

    with writing(control) as connection:
        started = start_task(connection, task.id)

    assert started.started_at is not None
    assert started.started_at >= task.requested_at
    assert queued(control) == [waiting]


def test_a_task_that_failed_waits_no_more(control: sa.Engine, export: Export) -> None:
    task = requested(control, export)

    with writing(control) as connection:
        fail_task(connection, task.id, "no run can be started")
        assert get_task(connection, task.id).error == "no run can be started"

    assert queued(control) == []


def test_taking_a_task_up_again_clears_its_error(control: sa.Engine, export: Export) -> None:
    task = requested(control, export)

    with writing(control) as connection:
        start_task(connection, task.id)
        fail_task(connection, task.id, "the run was killed")
        assert start_task(connection, task.id).error is None


def test_taking_up_an_unknown_task_is_refused(control: sa.Engine) -> None:
    with writing(control) as connection, pytest.raises(NotFound):
        start_task(connection, "none")


def test_tasks_of_an_export_that_wait_can_be_ended(
    control: sa.Engine, export: Export, theirs: Export
) -> None:
    waiting, running, failed = (requested(control, export) for _ in range(3))
    other = requested(control, theirs)
    with writing(control) as connection:
        start_task(connection, running.id)
        fail_task(connection, failed.id, "before")

        fail_queued_tasks(connection, export.id, "deleted")

        tasks = (waiting, running, failed, other)
        errors = [get_task(connection, task.id).error for task in tasks]
    assert errors == ["deleted", None, "before", None]


@pytest.mark.usefixtures("theirs")
def test_tasks_that_ask_for_part_of_a_range_are_found(control: sa.Engine, export: Export) -> None:
    task = requested(control, export)  # from 00:00 to 01:30

    def found(since: int, until: int) -> list[ExportTask]:
        with reading(control) as connection:
            bounds = (FIRST_HOUR + timedelta(minutes=minutes) for minutes in (since, until))
            return list(tasks_between(connection, export.id, *bounds))

    assert found(0, 90) == found(89, 200) == found(-60, 1) == found(30, 40) == [task]
    assert found(90, 200) == found(-60, 0) == []


def test_a_task_waits_while_its_connector_does_not_run_and_is_counted(
    control: sa.Engine, export: Export, theirs: Export
) -> None:
    first, second, ours = (requested(control, owner) for owner in (theirs, theirs, export))
    with writing(control) as connection:
        change_state(
            connection, theirs.connector_id, ConnectorState.STOPPED, "So be it.", now=datetime.now(UTC)
        )
        assert queued_tasks(connection, 1) == [ours]  # however many wait before it
        assert count_waiting_tasks(connection) == {theirs.connector_id: 2}
        change_state(
            connection, theirs.connector_id, ConnectorState.RUNNING, "It is back.", now=datetime.now(UTC)
        )
        assert queued_tasks(connection, 10) == [first, second, ours]
        assert count_waiting_tasks(connection) == {}


def test_a_task_that_was_overtaken_is_queued_again_once_for_each_attempt(
    control: sa.Engine, export: Export
) -> None:
    task = requested(control, export)
    with writing(control) as connection:
        started = start_task(connection, task.id)
        assert started.attempt == 1
        requeue_task(connection, task.id, 1)
        assert [again.attempt for again in queued_tasks(connection, 10)] == [2]
        start_task(connection, task.id)
        requeue_task(connection, task.id, 1)  # its first run, which is late
        assert queued_tasks(connection, 10) == []


def test_a_task_whose_export_was_deleted_meanwhile_is_not_queued_again(
    control: sa.Engine, export: Export
) -> None:
    task = requested(control, export)
    with writing(control) as connection:
        start_task(connection, task.id)
        hide_export(connection, export.id)
        requeue_task(connection, task.id, 1)
        assert get_task(connection, task.id).error == (
            "the export was deleted while the task waited for its connector"
        )


def test_pages_that_begin_after_a_task_lose_and_repeat_none_while_others_are_added(
    control: sa.Engine, export: Export
) -> None:
    tasks = [requested(control, export) for _ in range(5)]
    with writing(control) as connection:  # requested in one instant
        connection.execute(TASKS.update().values(requested_at=tasks[0].requested_at))
    ids = sorted(task.id for task in tasks)

    seen: list[ExportTask] = []
    while True:
        with reading(control) as connection:
            last = (seen[-1].requested_at, seen[-1].id) if seen else None
            page = list_tasks(connection, ORGANIZATION, after=last, limit=2)
        if not page:
            break
        seen += page
        requested(control, export)

    assert [task.id for task in seen] == ids


def test_each_face_has_its_own_tasks(control: sa.Engine, export: Export) -> None:
    with writing(control) as connection:
        coveo, bitmovin, *_ = (
            add_task(
                connection,
                export,
                since=FIRST_HOUR,
                until=FIRST_HOUR + timedelta(hours=1),
                force=False,
                origin=origin,
                name=name,
            )
            for origin, name in (("coveo", "site"), ("bitmovin", "site"), (None, None))
        )
    with reading(control) as connection:
        assert list_tasks(connection, ORGANIZATION, origin="coveo") == [coveo]
        assert count_tasks(connection, ORGANIZATION, origin="coveo") == 1
        assert count_tasks(connection, ORGANIZATION) == 3
        assert list_tasks(connection, ORGANIZATION, offset=1, limit=1) == [bitmovin]
        assert list_tasks(connection, ORGANIZATION, origin="bitmovin", name="site") == [bitmovin]
        assert count_tasks(connection, ORGANIZATION, name="site") == 2
        assert count_tasks(connection, ORGANIZATION, name="shop") == 0
        assert find_task(connection, ORGANIZATION, coveo.id, origin="coveo") == coveo
        with pytest.raises(NotFound):
            find_task(connection, ORGANIZATION, coveo.id, origin="bitmovin")


def test_a_deleted_task_is_listed_no_more_and_said_to_be_gone(control: sa.Engine, export: Export) -> None:
    task = requested(control, export)
    with writing(control) as connection:
        delete_task(connection, task.id)

        assert list_tasks(connection, ORGANIZATION) == []
        assert count_tasks(connection, ORGANIZATION) == 0
        with pytest.raises(Gone, match="was deleted at"):
            find_task(connection, ORGANIZATION, task.id)
        assert get_task(connection, task.id).deleted_at is not None


def test_a_queued_task_ends_when_it_is_cancelled(control: sa.Engine, export: Export) -> None:
    task = requested(control, export)
    with writing(control) as connection:
        assert not is_cancelled(connection, task.id)
        assert request_cancel(connection, task.id, "Anna")
        assert is_cancelled(connection, task.id)
        assert queued_tasks(connection, 10) == []
        ended = get_task(connection, task.id)
        assert start_task(connection, task.id) == ended  # a run that was launched for it all the same
    assert ended.cancel_requested_at is not None
    assert (
        ended.error
        == ended.cancellation
        == f"cancelled by Anna at {ended.cancel_requested_at:%Y-%m-%dT%H:%M:%SZ}"
    )
    assert ended.ended_at is not None


def test_a_task_that_is_taken_up_is_only_marked(control: sa.Engine, export: Export) -> None:
    task = requested(control, export)
    with writing(control) as connection:
        start_task(connection, task.id)
        assert not request_cancel(connection, task.id, "Anna")
        assert not request_cancel(connection, task.id, "Bert")
        marked = get_task(connection, task.id)
    assert (marked.cancelled_by, marked.error, marked.ended_at) == ("Anna", None, None)


def test_a_cancelled_task_is_not_queued_again_for_its_connector(control: sa.Engine, export: Export) -> None:
    task = requested(control, export)
    with writing(control) as connection:
        start_task(connection, task.id)
        request_cancel(connection, task.id, "Anna")
        requeue_task(connection, task.id, 1)
        ended = get_task(connection, task.id)
        assert queued_tasks(connection, 10) == []
    assert ended.error == ended.cancellation
    assert ended.ended_at is not None


def test_a_task_that_is_tried_again_is_as_if_nothing_had_ended_it(control: sa.Engine, export: Export) -> None:
    task = requested(control, export, force=True)
    with writing(control) as connection:
        start_task(connection, task.id)
        request_cancel(connection, task.id, "Anna")
        fail_task(connection, task.id, "cancelled")
        retry_task(connection, get_task(connection, task.id))
        assert queued_tasks(connection, 10) == [replace(task, attempt=2)]


def test_only_the_run_of_the_latest_attempt_ends_a_task(control: sa.Engine, export: Export) -> None:
    task = requested(control, export)
    with writing(control) as connection:
        start_task(connection, task.id)
        end_task(connection, task.id, 2)
        assert get_task(connection, task.id).ended_at is None
        end_task(connection, task.id, 1)
        assert get_task(connection, task.id).ended_at is not None
        assert start_task(connection, task.id).ended_at is None
