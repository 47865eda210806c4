"""A zip of a task's files: each table once, its hours joined, nothing of it kept while it is made."""

import csv
import io
import tracemalloc
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from export_pipeline.control import stored_files
from export_pipeline.control.archives import archive_of
from export_pipeline.control.tasks import show_task
from export_pipeline.errors import (
    ExportPipelineError,
    Gone,
    InvalidRequest,
    TransientFailure,
    WrongState,
)
from export_pipeline.exports.export import Export
from export_pipeline.exports.task import ExportTask
from export_pipeline.store.database import reading, writing
from export_pipeline.store.exports import get_export
from export_pipeline.store.schema import EXPORTS, HOURS
from export_pipeline.store.tasks import add_task
from export_pipeline_tests.installations import FIRST, ROWS_PER_HOUR, Installation, an_installation, hours
from export_pipeline_tests.runs import deliver

EVERY = {"dialect": "rfc4180", "compression": "gzip"}


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with an_installation(tmp_path / "home") as made:
        yield made


def delivered(installation: Installation, *, last: int = 4, **format_: Any) -> tuple[Export, ExportTask]:
    """A task over the hours 0 to `last`, of which hour 3 has no rows, and what it delivered."""
    export = installation.export(standing=False, format={"type": "csv", **EVERY, **format_})
    assert not deliver(installation, export, hours(0, last)).failed
    with writing(installation.deployment.control) as connection:
        until = FIRST + timedelta(hours=last + 1)
        return export, add_task(connection, export, since=FIRST, until=until, force=False)


def archive(installation: Installation, export: Export, task: ExportTask) -> Iterator[bytes]:
    destination = installation.deployment.connector(export.connector_id).open()
    return archive_of(installation.deployment.control, destination, export, task)


@pytest.mark.parametrize("format_", [{}, {"compression": "none"}, {"header": "none"}, {"sep_line": True}])
def test_the_hours_of_a_table_are_one_file_with_one_header(
    installation: Installation, format_: dict[str, Any]
) -> None:
    data = b"".join(archive(installation, *delivered(installation, **format_)))

    with zipfile.ZipFile(io.BytesIO(data)) as found:
        assert found.testzip() is None
        assert found.namelist() == ["events.csv"]
        lines = found.read("events.csv").decode().splitlines()
    header = [line for line in lines if line.startswith("happened_at")]
    assert len(header) == (0 if format_.get("header") == "none" else 1)
    assert lines.count("sep=,") == (1 if format_.get("sep_line") else 0)
    rows = [*csv.reader(line for line in lines if line not in ("sep=,", *header))]
    assert [int(row[1]) for row in rows] == [n for n in range(5 * ROWS_PER_HOUR) if n // ROWS_PER_HOUR != 3]


def test_the_same_files_give_the_same_zip(installation: Installation) -> None:
    export, task = delivered(installation)

    assert b"".join(archive(installation, export, task)) == b"".join(archive(installation, export, task))


def test_the_zip_is_made_while_it_is_sent(tmp_path: Path) -> None:
    """Nothing is kept but what was written since the last piece: 40 MB of rows need few of them."""
    with an_installation(tmp_path / "home", rows_per_hour=200_000) as installation:
        export, task = delivered(installation, compression="none")
        tracemalloc.start()
        largest = sum_of = 0
        for piece in archive(installation, export, task):
            largest, sum_of = max(largest, len(piece)), sum_of + len(piece)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert sum_of > 4_000_000
    assert largest < 2_000_000
    assert peak < 12_000_000


@pytest.mark.parametrize(
    ("damage", "raised"),
    [
        (lambda path: path.unlink(), Gone),
        (lambda path: path.write_bytes(path.read_bytes()[:-9]), TransientFailure),
    ],
    ids=["deleted", "cut off"],
)
def test_a_file_that_is_not_as_it_was_delivered_leaves_a_zip_that_nobody_can_open(
    installation: Installation, damage: Any, raised: type[ExportPipelineError]
) -> None:
    export, task = delivered(installation)
    damage(installation.downloads / "events/2026-01-05-04-00.csv.gz")

    sent: list[bytes] = []
    with pytest.raises(raised):
        sent.extend(archive(installation, export, task))
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(io.BytesIO(b"".join(sent)))


def test_formats_whose_files_cannot_be_joined_are_refused(installation: Installation) -> None:
    export = installation.export(standing=False, format={"type": "parquet"})
    with writing(installation.deployment.control) as connection:
        task = add_task(connection, export, since=FIRST, until=FIRST + timedelta(hours=1), force=False)

    with pytest.raises(InvalidRequest, match="parquet are not joined"):
        next(archive(installation, export, task))


def changed(installation: Installation, export: Export, **changes: Any) -> Export:
    """The export with another definition."""
    definition = export.definition.model_dump(mode="json") | changes
    with writing(installation.deployment.control) as connection:
        connection.execute(EXPORTS.update().where(EXPORTS.c.id == export.id).values(definition=definition))
        return get_export(connection, export.id)


def entry(data: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(data)) as found:
        return found.read("events.csv").decode().splitlines()


def test_of_an_export_that_was_changed_it_has_what_was_delivered(installation: Installation) -> None:
    export, task = delivered(installation)
    before = b"".join(archive(installation, export, task))

    export = changed(installation, export, format={"type": "csv", "compression": "none", "header": "none"})

    assert b"".join(archive(installation, export, task)) == before
    export = changed(installation, export, format={"type": "parquet"})
    assert b"".join(archive(installation, export, task)) == before


@pytest.mark.parametrize(
    "changes",
    [
        {"format": {"type": "csv", **EVERY, "delimiter": ";"}},
        {"tables": [{"name": "events", "columns": ["id"]}]},
    ],
)
def test_hours_that_were_delivered_differently_are_not_joined(
    installation: Installation, changes: dict[str, Any]
) -> None:
    export, task = delivered(installation, last=2)
    export = changed(installation, export, **changes)
    with writing(installation.deployment.control) as connection:
        connection.execute(HOURS.delete().where(HOURS.c.hour == FIRST + timedelta(hours=2)))
    (installation.downloads / "events/2026-01-05-02-00.csv.gz").unlink()
    assert not deliver(installation, export, hours(2, 2)).failed

    with pytest.raises(WrongState, match="events differ in format or columns"):
        next(archive(installation, export, task))


def test_tables_that_were_delivered_are_in_it_whichever_are_exported_now(installation: Installation) -> None:
    export, task = delivered(installation)
    before = b"".join(archive(installation, export, task))

    export = changed(installation, export, tables=[{"name": "others"}])

    assert b"".join(archive(installation, export, task)) == before


def test_an_hour_that_is_delivered_differently_meanwhile_ends_it(installation: Installation) -> None:
    export, task = delivered(installation, last=2)
    pieces = archive(installation, export, task)
    sent = [next(pieces)]
    export = changed(installation, export, tables=[{"name": "events", "columns": ["id"]}])
    assert not deliver(installation, export, hours(0, 2), datetime.now(UTC)).failed

    with pytest.raises(TransientFailure, match="is not as it was delivered"):
        sent.extend(pieces)
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(io.BytesIO(b"".join(sent)))


def test_a_table_that_is_delivered_no_more_meanwhile_ends_it(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hours that are left of it would look like all of it."""
    monkeypatch.setattr(stored_files, "AT_ONCE", timedelta(hours=1))  # where it looks again, in a day of them
    export, task = delivered(installation, last=2)
    pieces = archive(installation, export, task)
    sent = [next(pieces)]
    with writing(installation.deployment.control) as connection:
        gone = HOURS.c.hour == FIRST + timedelta(hours=2)
        connection.execute(HOURS.delete().where(HOURS.c.export_id == export.id, gone))

    with pytest.raises(TransientFailure, match="hours were delivered anew meanwhile; ask again"):
        sent.extend(pieces)
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(io.BytesIO(b"".join(sent)))


def test_hours_of_another_delivery_than_was_looked_at_end_it(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else of an hour one table might be of one delivery and the next of another."""
    monkeypatch.setattr(stored_files, "AT_ONCE", timedelta(hours=1))
    export, task = delivered(installation, last=2)
    pieces = archive(installation, export, task)
    sent = [next(pieces)]
    installation.change_source("UPDATE events SET amount = 7 WHERE happened_at >= '2026-01-05T02:00:00Z'")
    assert not deliver(installation, export, hours(2, 2), datetime.now(UTC)).failed

    with pytest.raises(TransientFailure, match="hours were delivered anew meanwhile; ask again"):
        sent.extend(pieces)


def test_of_a_range_in_one_file_it_has_that_file_alone(installation: Installation) -> None:
    """Whatever other ranges of the same export begin within it."""
    export = installation.export(
        standing=False, layout="single", subdirectory="one/$hour", format={"type": "csv", **EVERY}
    )
    tasks = []
    for first, last in ((1, 2), (2, 5)):
        with writing(installation.deployment.control) as connection:
            since, until = FIRST + timedelta(hours=first), FIRST + timedelta(hours=last + 1)
            task = add_task(connection, export, since=since, until=until, force=False)
        assert not deliver(installation, export, task.windows(export.definition.layout)).failed
        tasks.append(task)

    rows = [len(entry(b"".join(archive(installation, export, task)))) - 1 for task in tasks]
    assert rows == [2 * ROWS_PER_HOUR, 3 * ROWS_PER_HOUR]
    with reading(installation.deployment.control) as connection:
        shown = [show_task(connection, "default", task.id).delivered.rows for task in tasks]
    assert shown == rows
