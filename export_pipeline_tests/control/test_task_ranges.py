"""Ranges of an export whose file holds all hours: which would take the place of another's file."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from export_pipeline.connectors.lifecycle import ConnectorState
from export_pipeline.control.exports import create_export
from export_pipeline.control.tasks import create_task, show_task
from export_pipeline.errors import InvalidRequest
from export_pipeline.exports.export import Export
from export_pipeline.exports.task import ExportTask, TaskStatus
from export_pipeline.store.database import reading, writing
from export_pipeline.store.ledger import write_entry, write_failure
from export_pipeline.store.tasks import list_tasks, start_task
from export_pipeline_tests.builders import (
    ORGANIZATION,
    a_dataset,
    a_definition,
    a_failure,
    a_ledger_entry,
    an_hour,
)
from export_pipeline_tests.control_databases import KEY, stored_connector


def made(control: sa.Engine, **changes: Any) -> Export:
    """`once`, with a single file."""
    stored_connector(control, name="bucket", state=ConnectorState.RUNNING)
    with writing(control) as connection:
        return create_export(
            connection,
            KEY,
            a_dataset(),
            organization=ORGANIZATION,
            slug="once",
            connector="bucket",
            definition=a_definition(layout="single", **changes),
            standing=False,
        )


def ask(control: sa.Engine, since: datetime, until: datetime, *, force: bool = False) -> ExportTask:
    with writing(control) as connection:
        return create_task(
            connection, organization=ORGANIZATION, export="once", since=since, until=until, force=force
        )


def test_one_range_may_be_asked_for_again_and_again(control: sa.Engine) -> None:
    made(control)
    first = ask(control, an_hour(0).start, an_hour(24).start)
    assert ask(control, an_hour(0).start, an_hour(24).start, force=True).id != first.id


@pytest.mark.parametrize(
    ("since", "until"),
    [
        (an_hour(24).start, an_hour(48).start),  # the next day
        (an_hour(0).start, an_hour(12).start),  # less
        (an_hour(0).start, an_hour(48).start),  # more
        (an_hour(0).start + timedelta(minutes=5), an_hour(24).start),
    ],
)
def test_another_range_under_the_same_name_is_refused_and_the_task_named(
    control: sa.Engine, since: datetime, until: datetime
) -> None:
    made(control)
    first = ask(control, an_hour(0).start, an_hour(24).start)

    with pytest.raises(InvalidRequest) as caught:
        ask(control, since, until)

    assert caught.value.field == "since"
    assert first.id in str(caught.value)
    assert "2013-01-01-00:00 to 2013-01-02-00:00" in str(caught.value)
    assert "make another export for it with another path" in str(caught.value)
    with reading(control) as connection:
        assert [task.id for task in list_tasks(connection, ORGANIZATION)] == [first.id]


def test_ranges_whose_first_hours_the_path_tells_apart_are_taken(control: sa.Engine) -> None:
    made(control, filename="$date.csv")
    ask(control, an_hour(0).start, an_hour(24).start)
    ask(control, an_hour(24).start, an_hour(48).start)
    ask(control, an_hour(36 + 24).start, an_hour(72).start)
    with pytest.raises(InvalidRequest, match="would have the same name"):
        ask(control, an_hour(36).start, an_hour(48).start)  # on the second day as well


def test_a_task_shows_its_range_as_a_whole(control: sa.Engine) -> None:
    export = made(control, filename="$date-$hour.csv")
    task = ask(control, an_hour(0).start, an_hour(24).start)
    other = ask(control, an_hour(12).start, an_hour(36).start)
    with writing(control) as connection:
        start_task(connection, task.id)
        start_task(connection, other.id)
        late = task.requested_at + timedelta(seconds=1)
        write_failure(connection, a_failure(export_id=export.id, hour=an_hour(12).start, failed_at=late))
        write_entry(connection, a_ledger_entry(export_id=export.id, until=an_hour(24).start, hours=24))
    with reading(control) as connection:
        good, bad = (show_task(connection, ORGANIZATION, one.id) for one in (task, other))
    assert (good.status, good.progress, good.failures) == (TaskStatus.FINISHED, 100, ())
    assert (bad.status, bad.counts.failed, len(bad.failures)) == (TaskStatus.ERROR, 24, 1)
