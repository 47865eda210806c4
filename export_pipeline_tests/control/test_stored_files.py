"""Which files a task has, and whether their bytes are those that were delivered."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from export_pipeline.control.stored_files import Reader, bytes_of, files_in, receipts_of
from export_pipeline.errors import Gone, TransientFailure
from export_pipeline.store.database import writing
from export_pipeline.store.tasks import add_task
from export_pipeline_tests.installations import FIRST, Installation, an_installation, hours
from export_pipeline_tests.runs import deliver


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with an_installation(tmp_path / "home") as made:
        yield made


def test_a_tasks_files_come_in_order_of_hour_and_are_what_was_delivered(installation: Installation) -> None:
    export = installation.export(standing=False)
    deliver(installation, export, hours(0, 5))
    control = installation.deployment.control
    with writing(control) as connection:
        since, until = FIRST + timedelta(minutes=90), FIRST + timedelta(hours=4)
        task = add_task(connection, export, since=since, until=until, force=False)
    destination = installation.deployment.connector(export.connector_id).open()

    found = [one for receipt in receipts_of(control, export, task) for one in files_in(receipt)]
    files = [one.file for one in found]

    assert [file.key for file in files] == [f"events/2026-01-05-{hour:02}-00.csv" for hour in (1, 2, 3)]
    assert found[0].like(found[2])
    assert {column.name for column in found[0].columns} == {"happened_at", "id", "kind", "amount"}
    stored = (installation.downloads / files[0].key).read_bytes()
    assert b"".join(bytes_of(destination, files[0])) == stored

    (installation.downloads / files[0].key).write_bytes(stored.replace(b"kind 1", b"kind 2"))
    with pytest.raises(TransientFailure, match="not as it was delivered"):
        list(bytes_of(destination, files[0]))
    (installation.downloads / files[0].key).unlink()
    with pytest.raises(Gone, match="ask for its hours anew"):
        list(bytes_of(destination, files[0]))


def test_pieces_are_read_like_a_file() -> None:
    reader = Reader(iter([b"abc", b"", b"defg"]))

    assert [reader.read(2) for _ in range(6)] == [b"ab", b"c", b"de", b"fg", b"", b""]
