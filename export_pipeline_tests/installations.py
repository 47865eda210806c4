"""A whole installation in a folder: a DuckDB source with events, its declaration, a control database."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from export_pipeline.control.exports import create_export, definition_from
from export_pipeline.control.requests import request_export
from export_pipeline.deployment import Deployment, open_deployment
from export_pipeline.exports.export import Export
from export_pipeline.exports.task import ExportTask
from export_pipeline.settings import Settings
from export_pipeline.store.database import writing
from export_pipeline.windows import HourWindow, hours_between
from export_pipeline_tests.control_databases import migrated

FIRST = datetime(2026, 1, 5, tzinfo=UTC)
HOURS = 24
ROWS_PER_HOUR = 20

DECLARATION = """
[source]
url_variable = "EVENTS_URL"

[tables.events]
time_column = "happened_at"
order_by = ["happened_at", "id"]

[[tables.events.columns]]
name = "happened_at"
type = "timestamp"
nullable = false

[[tables.events.columns]]
name = "id"
type = "int64"
nullable = false

[[tables.events.columns]]
name = "kind"
type = "string"

[[tables.events.columns]]
name = "amount"
type = "decimal(12,2)"
"""


@dataclass(frozen=True)
class Installation:
    """An opened deployment and where its parts are."""

    folder: Path
    deployment: Deployment

    @property
    def source_file(self) -> Path:
        return self.folder / "events.duckdb"

    @property
    def downloads(self) -> Path:
        return self.deployment.settings.downloads_of("default")

    @property
    def variables(self) -> Mapping[str, str]:
        """What a process needs in its environment to open the same deployment."""
        return {
            "EXPORT_PIPELINE_HOME": str(self.folder),
            "EXPORT_PIPELINE_CLAIM_SECONDS": "5",
            "EXPORT_PIPELINE_ALLOWED_NETWORKS": "127.0.0.0/8",  # where the tests' servers are
            "EVENTS_URL": f"duckdb:///{self.source_file}",
        }

    def export(self, slug: str = "events", **changes: Any) -> Export:
        """An export of all events as plain CSV, with what differs."""
        standing = changes.pop("standing", True)
        connector = changes.pop("connector", "direct_download")
        definition = {
            "tables": [{"name": "events"}],
            "format": {"type": "csv", "compression": "none"},
            "subdirectory": slug,
            "first_hour": FIRST.isoformat(),
            "until": (FIRST + timedelta(hours=HOURS)).isoformat(),
            **changes,
        }
        with writing(self.deployment.control) as connection:
            return create_export(
                connection,
                self.deployment.secret_key,
                self.deployment.dataset_of("default"),
                organization="default",
                slug=slug,
                connector=connector,
                definition=definition_from(definition),
                standing=standing,
            )

    def request(self, first: int = 0, last: int = 1, **changes: Any) -> ExportTask:
        """A one-off request for some hours of all events as plain CSV, with what differs."""
        keeping = {name: changes.pop(name) for name in ("own_files", "name", "properties") if name in changes}
        connector = changes.pop("connector", "direct_download")
        definition = {
            "tables": [{"name": "events"}],
            "format": {"type": "csv", "compression": "none"},
            "first_hour": FIRST.isoformat(),
            **changes,
        }
        with writing(self.deployment.control) as connection:
            return request_export(
                connection,
                self.deployment.secret_key,
                self.deployment.dataset_of("default"),
                organization="default",
                connector=connector,
                definition=definition_from(definition),
                since=FIRST + timedelta(hours=first),
                until=FIRST + timedelta(hours=last + 1),
                origin="test",
                **keeping,
            )

    def change_source(self, sql: str) -> None:
        """Run a statement on the source database."""
        with duckdb.connect(str(self.source_file)) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute(sql)


@contextmanager
def an_installation(folder: Path, rows_per_hour: int = ROWS_PER_HOUR) -> Iterator[Installation]:
    """A day of events, evenly spread; every third kind is NULL. Hour 3 has no rows."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dataset.toml").write_text(DECLARATION)
    (folder / "events.duckdb").write_bytes(_events(rows_per_hour))
    (folder / "control.db").write_bytes(migrated())
    settings = Settings(
        home=folder, dataset=None, control_url=None, downloads=None, staging=None, claim_seconds=5
    )
    environ = {"EVENTS_URL": f"duckdb:///{folder / 'events.duckdb'}"}
    deployment = open_deployment(settings, environ)
    try:
        yield Installation(folder, deployment)
    finally:
        deployment.close()


@lru_cache(maxsize=1)
def _events(rows_per_hour: int) -> bytes:
    """The source's file."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "events.duckdb"
        with duckdb.connect(str(file)) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute(
                f"""
                CREATE TABLE events AS
                SELECT TIMESTAMPTZ '{FIRST.isoformat()}'
                           + to_seconds(3600.0 * i / {rows_per_hour}) AS happened_at,
                       i::BIGINT AS id,
                       CASE WHEN i % 3 = 0 THEN NULL ELSE 'kind ' || (i % 5) END AS kind,
                       (i % 1000 / 100)::DECIMAL(12, 2) AS amount
                FROM range({HOURS * rows_per_hour}) AS numbers(i)
                WHERE i // {rows_per_hour} <> 3
                """
            )
            connection.execute("ALTER TABLE events ALTER happened_at SET NOT NULL")
            connection.execute("ALTER TABLE events ADD PRIMARY KEY (happened_at, id)")
        return file.read_bytes()


def hours(first: int, last: int) -> list[HourWindow]:
    """The hours `first` to `last` of the day, both included."""
    return list(hours_between(FIRST + timedelta(hours=first), FIRST + timedelta(hours=last + 1)))
