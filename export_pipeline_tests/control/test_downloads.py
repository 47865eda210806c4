"""Which of a task's files are to be had, and why not, where they are not."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from export_pipeline.control.downloads import Downloads, downloads_of
from export_pipeline.errors import Gone, NotFound, WrongState
from export_pipeline.exports.task import ExportTask
from export_pipeline.store.database import reading, writing
from export_pipeline.store.exports import find_export
from export_pipeline.store.pages import PageRequest
from export_pipeline.store.schema import EXPORTS
from export_pipeline.store.tasks import add_task, delete_task, fail_task
from export_pipeline_tests.expiries import expire_task
from export_pipeline_tests.installations import FIRST, Installation, an_installation, hours
from export_pipeline_tests.runs import deliver


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with an_installation(tmp_path_factory.mktemp("downloads") / "home") as made:
        yield made


def a_task(installation: Installation, slug: str, *, delivered: bool = True, **definition: Any) -> ExportTask:
    """A task over the hours 1 to 3."""
    export = installation.export(slug, standing=False, **definition)
    if delivered:
        assert not deliver(installation, export, hours(1, 3)).failed
    since, until = FIRST + timedelta(hours=1), FIRST + timedelta(hours=4)
    with writing(installation.deployment.control) as connection:
        return add_task(connection, export, since=since, until=until, force=False)


def downloads(installation: Installation, task: ExportTask, **asked: Any) -> Downloads:
    with reading(installation.deployment.control) as connection:
        return downloads_of(connection, task.organization, task.id, PageRequest(**asked))


def test_files_come_in_pages_of_hours(installation: Installation) -> None:
    task = a_task(installation, "paged")

    first = downloads(installation, task, limit=2)
    second = downloads(installation, task, limit=2, cursor=first.next)

    files = [*first.files, *second.files]
    assert [one.file.key for one in files] == [f"paged/2026-01-05-0{hour}-00.csv" for hour in (1, 2, 3)]
    assert [one.hour for one in files] == [window.start for window in hours(1, 3)]
    assert (first.archive, second.next) == ("paged.zip", None)


def test_files_that_cannot_be_joined_have_no_archive(installation: Installation) -> None:
    found = downloads(installation, a_task(installation, "columns", format={"type": "parquet"}))

    assert found.archive is None
    assert len(found.files) == 3


@pytest.mark.parametrize(
    ("before", "now", "archive"), [("csv", "parquet", "was-csv.zip"), ("parquet", "csv", None)]
)
def test_whether_they_can_be_is_asked_of_what_was_delivered(
    installation: Installation, before: str, now: str, archive: str | None
) -> None:
    slug = f"was-{before}"
    task = a_task(installation, slug, format={"type": before})
    with writing(installation.deployment.control) as connection:
        export = find_export(connection, task.organization, slug)
        definition = export.definition.model_dump(mode="json") | {"format": {"type": now}}
        connection.execute(EXPORTS.update().where(EXPORTS.c.id == export.id).values(definition=definition))

    assert downloads(installation, task).archive == archive


def test_files_with_other_columns_than_the_first_have_no_archive(installation: Installation) -> None:
    task = a_task(installation, "changed")
    with writing(installation.deployment.control) as connection:
        export = find_export(connection, task.organization, "changed")
        tables = [{"name": "events", "columns": ["id"]}]
        definition = export.definition.model_dump(mode="json") | {"tables": tables}
        connection.execute(EXPORTS.update().where(EXPORTS.c.id == export.id).values(definition=definition))
        export = find_export(connection, task.organization, "changed")
    assert not deliver(installation, export, hours(3, 3), datetime.now(UTC)).failed

    assert downloads(installation, task).archive is None
    assert downloads(installation, task, limit=2).archive == "changed.zip"


def test_what_is_not_delivered_is_told_with_what_can_be_done(installation: Installation) -> None:
    task = a_task(installation, "waiting", delivered=False)

    with pytest.raises(
        WrongState, match=r"is QUEUED: its files are to be had when it is FINISHED$"
    ) as queued:
        downloads(installation, task)
    with writing(installation.deployment.control) as connection:
        fail_task(connection, task.id, "the source is away")
    with pytest.raises(WrongState, match=r"is ERROR: .* retry it") as failed:
        downloads(installation, task)

    assert (queued.value.allowed, failed.value.allowed) == (("cancel",), ("retry",))


def test_what_was_deleted_or_has_expired_is_gone(installation: Installation) -> None:
    deleted, expired = a_task(installation, "deleted"), a_task(installation, "expired")
    with writing(installation.deployment.control) as connection:
        delete_task(connection, deleted.id)
    expire_task(installation, expired.id)

    with pytest.raises(Gone, match="was deleted"):
        downloads(installation, deleted)
    with pytest.raises(Gone, match="have expired"):
        downloads(installation, expired)


def test_anothers_task_is_not_there(installation: Installation) -> None:
    task = a_task(installation, "theirs")

    with reading(installation.deployment.control) as connection, pytest.raises(NotFound):
        downloads_of(connection, "others", task.id, PageRequest())
