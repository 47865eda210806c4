"""Our values with complete defaults: a test names only what matters to it.

One small world: the organization `acme` exports the table `flights`, hour by hour from the first of
January 2013, through the connector with the id `connector-1`.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from export_pipeline.dataset.tables import Column, Dataset, Table
from export_pipeline.dataset.types import ColumnType
from export_pipeline.exports.export import Export, ExportDefinition
from export_pipeline.exports.task import ExportTask
from export_pipeline.exports.variables import KeyContext
from export_pipeline.formats.csv import CsvFormat
from export_pipeline.receipts.receipt import Receipt, ReceiptColumn, ReceiptFile, ReceiptTable
from export_pipeline.store.ledger import HourFailure, LedgerEntry
from export_pipeline.windows import HourWindow

ORGANIZATION = "acme"
FIRST_HOUR = datetime(2013, 1, 1, tzinfo=UTC)
SOURCE_VARIABLE = "FLIGHTS_DATABASE_URL"


def moment(text: str) -> datetime:
    """`2013-01-01 05:00`, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def an_hour(hours_later: int = 0) -> HourWindow:
    """The first hour of 2013, or one so many hours later."""
    return HourWindow(FIRST_HOUR + timedelta(hours=hours_later))


def a_column(name: str, type_: str = "string", **changes: Any) -> Column:
    column = Column(name=name, display_name=name.replace("_", " ").capitalize(), type=ColumnType.parse(type_))
    return replace(column, **changes)


def a_table(**changes: Any) -> Table:
    """`flights`: a few columns, its rows ordered by `id` within the hour of `time_hour`."""
    table = Table(
        name="flights",
        relation="flights",
        columns=(
            a_column("id", "int64", nullable=False),
            a_column("time_hour", "timestamp", nullable=False),
            a_column("carrier"),
            a_column("origin"),
            a_column("distance", "int32"),
            a_column("fare", "decimal(12,2)"),
        ),
        time_column="time_hour",
        order_by=("id",),
    )
    return replace(table, **changes)


def a_dataset(*tables: Table) -> Dataset:
    """A dataset of these tables; of `flights` and `weather` when none is named."""
    chosen = tables or (
        a_table(),
        a_table(
            name="weather",
            relation="weather",
            columns=(
                a_column("id", "int64", nullable=False),
                a_column("time_hour", "timestamp", nullable=False),
                a_column("origin"),
                a_column("temp", "float64"),
            ),
        ),
    )
    return Dataset(url_variable=SOURCE_VARIABLE, tables={table.name: table for table in chosen})


def a_definition(**changes: Any) -> ExportDefinition:
    """All columns of `flights` in the year 2013, as CSV without compression."""
    asked: dict[str, Any] = {
        "tables": ({"name": "flights"},),
        "format": CsvFormat(compression="none"),
        "first_hour": FIRST_HOUR,
        "until": moment("2014-01-01 00:00"),
    }
    return ExportDefinition.model_validate(asked | changes)


def an_export(**changes: Any) -> Export:
    """The standing export `flights`, as it comes from the store."""
    export = Export(
        id="export-1",
        organization=ORGANIZATION,
        slug="flights",
        connector_id="connector-1",
        definition=a_definition(),
        created_at=moment("2013-01-02 00:00"),
    )
    return replace(export, **changes)


def a_key_context(**changes: Any) -> KeyContext:
    """What the variables of a path are filled from: `acme`, `flights`, its first hour."""
    context = KeyContext(
        organization=ORGANIZATION,
        export="flights",
        table="flights",
        extension="csv",
        window=an_hour(),
        user="botify-team",
        project="botify-blog",
    )
    return replace(context, **changes)


def a_task(**changes: Any) -> ExportTask:
    """A request for the first day of `an_export()`, not taken up yet."""
    task = ExportTask(
        id="task-1",
        organization=ORGANIZATION,
        export_id="export-1",
        since=FIRST_HOUR,
        until=FIRST_HOUR + timedelta(days=1),
        force=False,
        requested_at=moment("2013-01-02 00:30"),
    )
    return replace(task, **changes)


def a_receipt_table(**changes: Any) -> ReceiptTable:
    table = ReceiptTable(
        name="flights",
        columns=tuple(
            ReceiptColumn(name=column.name, type=str(column.type), nullable=column.nullable)
            for column in a_table().columns
        ),
        filter="",
        rows_at_source=2,
    )
    return table.model_copy(update=changes)


def a_receipt_file(**changes: Any) -> ReceiptFile:
    file = ReceiptFile(
        table="flights",
        key="2013-01-01-00-00.csv",
        rows=2,
        bytes=57,
        sha256="5a" * 32,
        format={"type": "csv", "compression": "none"},
    )
    return file.model_copy(update=changes)


def a_receipt(**changes: Any) -> Receipt:
    """The receipt of the first hour of `an_export()`: two rows, in one file."""
    asked: dict[str, Any] = {
        "organization": ORGANIZATION,
        "export": "flights",
        "export_id": "export-1",
        "hour": FIRST_HOUR,
        "since": FIRST_HOUR,
        "until": FIRST_HOUR + timedelta(hours=1),
        "revision": 1,
        "supersedes": None,
        "snapshot": "sqlite read transaction",
        "read_at": moment("2013-01-01 01:10"),
        "delivered_at": moment("2013-01-01 01:11"),
        "tables": (a_receipt_table(),),
        "files": (a_receipt_file(),),
        "software": {"export-pipeline": "0.1.0"},
    }
    return Receipt(**asked | changes)


def a_ledger_entry(**changes: Any) -> LedgerEntry:
    """The first hour of `an_export()`, or another one, delivered."""
    hour = changes.get("hour", FIRST_HOUR)
    entry = LedgerEntry(
        export_id="export-1",
        hour=hour,
        revision=1,
        since=hour,
        until=hour + timedelta(hours=1),
        rows=2,
        bytes=57,
        seconds=0.25,
        receipt_key="_receipts/flights/2013-01-01-00-00.json",
        receipt=a_receipt().to_bytes().decode(),
        run_id="run-1",
        delivered_at=moment("2013-01-02 01:00"),
        proven_at=moment("2013-01-02 01:00"),
    )
    return replace(entry, **changes)


def a_failure(**changes: Any) -> HourFailure:
    """The first hour of `an_export()`, not delivered."""
    failure = HourFailure(
        export_id="export-1",
        hour=FIRST_HOUR,
        stage="upload",
        kind="retry",
        message="the destination did not answer",
        run_id="run-1",
        failed_at=moment("2013-01-02 01:00"),
    )
    return replace(failure, **changes)


def an_s3_connector(**changes: str) -> Mapping[str, Any]:
    """The configuration of a bucket that nobody has: for tests that store it and do not open it."""
    return {
        "type": "s3",
        "bucket": "acme-exports",
        "region": "eu-central-1",
        "access_key_id": "AKIAACMEACMEACMEACME",
        "secret_access_key": "a-secret-that-must-not-be-found",
        **changes,
    }
