"""Stage one: an hour's rows from the source into staging, counted by the source in the same snapshot."""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from export_pipeline.errors import PermanentFailure, TransientFailure
from export_pipeline.exports.plan import TablePlan
from export_pipeline.extract.query import columns_of, relation_of, rows_of_hour, unfit_rows
from export_pipeline.extract.schema import arrow_schema
from export_pipeline.extract.shapes import check_shape, undeclared
from export_pipeline.extract.source import Snapshot, Source
from export_pipeline.pipeline.hours import StagedHour, StagedRows
from export_pipeline.pipeline.progress import Progress
from export_pipeline.pipeline.staging import write_rows
from export_pipeline.receipts.receipt import ReceiptColumn, ReceiptTable
from export_pipeline.windows import HourWindow


def extract_hour(
    source: Source,
    plans: Sequence[TablePlan],
    window: HourWindow,
    folder: Path,
    *,
    row_limit: int | None,
    progress: Progress,
    stop: threading.Event,
    wanted: Mapping[str, int] | None = None,
) -> StagedHour:
    """Read every table's rows of the hour in one transaction and stage them below `folder`.

    All rows are counted; no more than the first `wanted` of a table are staged, if that is given. `row_limit`
    is the connector's. Setting `stop` interrupts what the source is busy with.
    """
    started = time.monotonic()
    selects = [rows_of_hour(plan.table, plan.columns, window, plan.filter, plan.tenant) for plan in plans]
    with source.snapshot(stop, selects) as snapshot:
        read_at = datetime.now(UTC)
        extras = [_check_shape(snapshot, plan, select) for plan, select in zip(plans, selects, strict=True)]
        for plan, select in zip(plans, selects, strict=True):
            _check_values(snapshot, plan, window, select)
        counts = [snapshot.count(select) for select in selects]
        firsts = [
            count if wanted is None else min(count, wanted[plan.table.name])
            for plan, count in zip(plans, counts, strict=True)
        ]
        for plan, first in zip(plans, firsts, strict=True):
            if row_limit is not None and first > row_limit:
                raise PermanentFailure(
                    f"{window.key}: {first:,} rows in {plan.table.name}; this connector takes {row_limit:,}"
                    " a file: narrow the filter, or use a connector to your own bucket"
                )
        total, done = sum(counts), 0
        tables = []
        for plan, select, count, first, extra in zip(plans, selects, counts, firsts, extras, strict=True):
            schema = arrow_schema(plan.columns)
            path = folder / f"{plan.table.name}.arrow"
            if first or wanted is None:
                # Closed within the snapshot: where staging fails, rows are still on their way.
                with closing(snapshot.batches(select, schema)) as batches:
                    reading = _Reading(batches, first if wanted is not None else None)
                    write_rows(path, reading.noted(progress, done, total), schema)
                _check_count(snapshot, plan, window, counted=count, read=reading.rows)
            else:
                write_rows(path, (), schema)
            done += count
            described = _described(plan, count)
            tables.append(StagedRows(table=described, paths=(path,), rows=first, undeclared=extra))
    return StagedHour(
        window=window,
        folder=folder,
        snapshot=snapshot.mechanism,
        read_at=read_at,
        tables=tuple(tables),
        seconds=time.monotonic() - started,
    )


def _check_shape(snapshot: Snapshot, plan: TablePlan, select: sa.Select[Any]) -> tuple[str, ...] | None:
    """Refuse a table that is no longer what was declared. Its columns that never were are no part of it.

    None where the database could not say what is there.
    """
    found = snapshot.found(select)
    used = columns_of(select)
    declared = {column.name: column.type for column in plan.table.columns if column.name in used}
    check_shape(relation_of(select), declared, found)
    return None if found is None else undeclared(plan.table, found)


def _check_values(snapshot: Snapshot, plan: TablePlan, window: HourWindow, select: sa.Select[Any]) -> None:
    """Refuse an hour of a contributed table in which a value is not of its column's type.

    As of a record that was accepted before its entity type's schema said something else.
    """
    if not plan.table.contributed or not snapshot.count(unfit_rows(plan.table, window)):
        return
    for name in columns_of(select):
        if count := snapshot.count(unfit_rows(plan.table, window, name)):
            raise PermanentFailure(
                f"{window.key}: {plan.table.name}.{name} is {plan.table.column(name).type}, but {count:,}"
                f" {'record has' if count == 1 else 'records have'} something else there: contribute them"
                " anew, or correct the entity type's schema"
            )


class _Reading:
    """Rows as they come: all are counted, and no more than the `first` handed on (None: all)."""

    def __init__(self, batches: Iterator[pa.RecordBatch], first: int | None) -> None:
        self._batches = batches
        self._first = first
        self.rows = 0

    def noted(self, progress: Progress, done: int, total: int) -> Iterator[pa.RecordBatch]:
        for batch in self._batches:
            if self._first is None:
                yield batch
            elif self.rows < self._first:
                yield batch.slice(0, self._first - self.rows)
            self.rows += batch.num_rows
            progress(done + self.rows, total)


def _check_count(snapshot: Snapshot, plan: TablePlan, window: HourWindow, *, counted: int, read: int) -> None:
    if counted != read:
        raise TransientFailure(
            f"{window.key}: {plan.table.name} was counted at {counted:,} rows, then {read:,} came"
            f" (snapshot: {snapshot.mechanism}); rows of the hour are still changing"
        )


def _described(plan: TablePlan, count: int) -> ReceiptTable:
    return ReceiptTable(
        name=plan.table.name,
        columns=tuple(
            ReceiptColumn(name=column.name, type=str(column.type), nullable=column.nullable)
            for column in plan.columns
        ),
        filter=plan.filter_text,
        rows_at_source=count,
    )
