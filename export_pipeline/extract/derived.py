"""Tables that a source does not have, but can be asked for all the same: each is a SELECT of its own."""

import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from export_pipeline.dataset.catalog import FoundColumn
from export_pipeline.extract.query import source_of
from export_pipeline.extract.source import Snapshot, Source


class DerivedSnapshot:
    """A snapshot in which these tables are there too, by their names."""

    def __init__(self, snapshot: Snapshot, tables: Mapping[str, sa.Select[Any]]) -> None:
        self._snapshot = snapshot
        self._tables = tables

    @property
    def mechanism(self) -> str:
        return self._snapshot.mechanism

    def found(self, rows: sa.Select[Any]) -> tuple[FoundColumn, ...] | None:
        return self._snapshot.found(self._with_table(rows))

    def count(self, rows: sa.Select[Any]) -> int:
        return self._snapshot.count(self._with_table(rows))

    def batches(self, rows: sa.Select[Any], schema: pa.Schema) -> Generator[pa.RecordBatch, None, None]:
        yield from self._snapshot.batches(self._with_table(rows), schema)

    def _with_table(self, rows: sa.Select[Any]) -> sa.Select[Any]:
        if not _is_one(rows, self._tables):
            return rows
        name = source_of(rows).name
        return rows.add_cte(self._tables[name].cte(name))


class DerivedSource:
    """A source with these tables besides its own."""

    def __init__(self, source: Source, tables: Mapping[str, sa.Select[Any]]) -> None:
        self._source = source
        self._tables = tables

    @contextmanager
    def snapshot(
        self, stop: threading.Event | None = None, selects: Sequence[sa.Select[Any]] = ()
    ) -> Iterator[DerivedSnapshot]:
        theirs = [select for select in selects if not _is_one(select, self._tables)]
        with self._source.snapshot(stop, theirs) as snapshot:
            yield DerivedSnapshot(snapshot, self._tables)

    def close(self) -> None:
        self._source.close()


def _is_one(rows: sa.Select[Any], tables: Mapping[str, sa.Select[Any]]) -> bool:
    return source_of(rows).name in tables
