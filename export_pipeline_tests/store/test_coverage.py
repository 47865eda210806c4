"""What is delivered, counted in the ledger: each hour once, by its newest revision."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from export_pipeline.connectors.direct_download import DirectDownloadConfig
from export_pipeline.connectors.folder import FolderConfig
from export_pipeline.exports.export import Export, ExportDefinition
from export_pipeline.store.connectors import add_connector
from export_pipeline.store.coverage import Delivered, delivered
from export_pipeline.store.database import open_control_database, reading, upgrade, writing
from export_pipeline.store.encryption import SecretKey
from export_pipeline.store.exports import add_export
from export_pipeline.store.ledger import LedgerEntry, doubt_entry, write_entry
from export_pipeline.store.organizations import ensure_organization
from export_pipeline.store.schema import HOURS
from export_pipeline.windows import ONE_HOUR

FIRST = datetime(2026, 1, 5, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def control(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    """A control database of each kind."""
    sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/control.db" if sqlite else request.getfixturevalue("postgres_database")
    engine = open_control_database(url)
    upgrade(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def exports(control: sa.Engine, tmp_path: Path) -> tuple[Export, Export]:
    """Two exports on one connector."""
    key = SecretKey(Fernet.generate_key().decode())
    config = DirectDownloadConfig(store=FolderConfig(path=tmp_path / "downloads"))
    definition = ExportDefinition.model_validate({"tables": [{"name": "events"}], "first_hour": FIRST})
    with writing(control) as connection:
        ensure_organization(connection, "default")
        connector = add_connector(connection, key, "default", "downloads", config)

        def an_export(slug: str) -> Export:
            return add_export(
                connection,
                organization="default",
                slug=slug,
                connector_id=connector.id,
                definition=definition,
                standing=True,
            )

        return an_export("events-a"), an_export("events-b")


def enter(
    control: sa.Engine, export: Export, hour: int, *, rows: int, revision: int = 1, hours: int = 1
) -> None:
    entry = LedgerEntry(
        export_id=export.id,
        hour=FIRST + hour * ONE_HOUR,
        revision=revision,
        since=FIRST + hour * ONE_HOUR,
        until=FIRST + (hour + hours) * ONE_HOUR,
        hours=hours,
        rows=rows,
        bytes=10 * rows,
        seconds=0.5,
        receipt_key="receipt.json",
        receipt="{}",
        run_id="a run",
        delivered_at=datetime.now(UTC),
        proven_at=datetime.now(UTC),
    )
    with writing(control) as connection:
        write_entry(connection, entry)


def counted(control: sa.Engine, export: Export) -> Delivered:
    with reading(control) as connection:
        return delivered(connection, export.id)


def test_nothing_delivered_is_zero(control: sa.Engine, exports: tuple[Export, Export]) -> None:
    expected = Delivered(hours=0, rows=0, bytes=0, first_hour=None, last_hour=None, proven_at=None)

    assert counted(control, exports[0]) == expected


def test_hours_rows_and_bytes_are_added_up(control: sa.Engine, exports: tuple[Export, Export]) -> None:
    enter(control, exports[0], 0, rows=5)
    enter(control, exports[0], 2, rows=7)

    found = counted(control, exports[0])

    assert found.proven_at is not None
    assert replace(found, proven_at=None) == Delivered(
        hours=2, rows=12, bytes=120, first_hour=FIRST, last_hour=FIRST + 2 * ONE_HOUR, proven_at=None
    )
    assert (type(found.rows), type(found.bytes)) == (int, int)


def test_a_range_counts_its_own_hours(control: sa.Engine, exports: tuple[Export, Export]) -> None:
    for hour in range(4):
        enter(control, exports[0], hour, rows=5)

    with reading(control) as connection:
        found = delivered(connection, exports[0].id, FIRST + ONE_HOUR, FIRST + 3 * ONE_HOUR)

    assert (found.hours, found.rows, found.first_hour) == (2, 10, FIRST + ONE_HOUR)


def test_only_the_newest_revision_of_an_hour_counts(
    control: sa.Engine, exports: tuple[Export, Export]
) -> None:
    enter(control, exports[0], 0, rows=9, revision=2)
    enter(control, exports[0], 0, rows=5, revision=1)

    found = counted(control, exports[0])

    assert (found.hours, found.rows) == (1, 9)


def test_an_hour_in_doubt_does_not_count(control: sa.Engine, exports: tuple[Export, Export]) -> None:
    enter(control, exports[0], 0, rows=5)
    enter(control, exports[0], 1, rows=7)
    with writing(control) as connection:
        doubt_entry(connection, exports[0].id, FIRST)

    assert counted(control, exports[0]).rows == 7


def test_other_exports_do_not_count(control: sa.Engine, exports: tuple[Export, Export]) -> None:
    enter(control, exports[1], 0, rows=5)

    assert counted(control, exports[0]).hours == 0


def test_a_range_counts_all_of_its_hours(control: sa.Engine, exports: tuple[Export, Export]) -> None:
    enter(control, exports[0], 2, rows=5, hours=48)
    enter(control, exports[0], 50, rows=7)

    assert replace(counted(control, exports[0]), proven_at=None) == Delivered(
        hours=49,
        rows=12,
        bytes=120,
        first_hour=FIRST + 2 * ONE_HOUR,
        last_hour=FIRST + 50 * ONE_HOUR,
        proven_at=None,
    )


def test_the_last_hour_is_that_of_the_last_range(control: sa.Engine, exports: tuple[Export, Export]) -> None:
    enter(control, exports[0], 2, rows=5, hours=48)

    assert counted(control, exports[0]).last_hour == FIRST + 49 * ONE_HOUR


def test_hours_whose_files_have_expired_are_counted_among_the_delivered(
    control: sa.Engine, exports: tuple[Export, Export]
) -> None:
    for hour in range(3):
        enter(control, exports[0], hour, rows=5)
    with writing(control) as connection:
        connection.execute(HOURS.update().where(HOURS.c.hour > FIRST).values(expired_at=FIRST))

    found = counted(control, exports[0])

    assert (found.hours, found.expired, type(found.expired)) == (3, 2, int)
