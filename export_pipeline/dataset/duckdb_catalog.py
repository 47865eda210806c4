"""The tables of a DuckDB file, described by DuckDB itself."""

import re
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import duckdb

from export_pipeline.dataset.catalog import (
    DOCUMENTS,
    DURATIONS,
    FLOATS,
    INTEGERS,
    TEXTS,
    FoundColumn,
    FoundTable,
    Unreachable,
    Unreadable,
)
from export_pipeline.dataset.duckdb_files import open_file
from export_pipeline.dataset.types import Kind

_INTEGER = INTEGERS | {Kind.DECIMAL}
_READING = frozenset({Kind.TIMESTAMP, Kind.TIMESTAMP_LOCAL})

# By what stands before a type's parameters. Any other type (bits, times with a zone) becomes nothing.
BECOMES = {
    "BOOLEAN": frozenset({Kind.BOOLEAN}),
    **dict.fromkeys(("TINYINT", "SMALLINT", "INTEGER", "BIGINT"), _INTEGER),
    **dict.fromkeys(("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"), _INTEGER),
    **dict.fromkeys(("DECIMAL", "HUGEINT"), frozenset({Kind.DECIMAL})),
    **dict.fromkeys(("FLOAT", "DOUBLE"), FLOATS),
    **dict.fromkeys(("VARCHAR", "UUID", "JSON", "ENUM"), TEXTS),
    "BLOB": frozenset({Kind.BYTES}),
    "DATE": frozenset({Kind.DATE}),
    "TIME": frozenset({Kind.TIME}),
    **dict.fromkeys(("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"), _READING),
    "TIMESTAMP WITH TIME ZONE": frozenset({Kind.TIMESTAMP}),
    "INTERVAL": DURATIONS,
    **dict.fromkeys(("STRUCT", "MAP", "UNION"), DOCUMENTS),
}
_PARAMETERS = re.compile(r"\(.*\)$", re.DOTALL)


class DuckdbCatalog:
    """A DuckDB file, opened for reading only."""

    folds_case = True

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def relations(self, schema: str | None) -> Sequence[str]:
        rows = self._rows(
            "SELECT table_name FROM information_schema.tables WHERE lower(table_schema) ="
            " lower(coalesce(?, current_schema())) AND table_catalog = current_database() ORDER BY ALL",
            schema,
        )
        return [name for (name,) in rows]

    def columns(self, schema: str | None, name: str) -> tuple[FoundColumn, ...]:
        relation = ".".join('"' + part.replace('"', '""') + '"' for part in (schema, name) if part)
        return tuple(
            FoundColumn(name=column, type=type_, becomes=_becomes(type_), nullable=null != "NO")
            for column, type_, null, *_ in self._rows(f"DESCRIBE {relation}")
        )

    def table(self, schema: str | None, name: str) -> FoundTable:
        columns = self.columns(schema, name)
        view = self._is_view(schema, name)
        keys = None if view else self._keys(schema, name)
        # A file is read by its zone maps: nothing has to be indexed for its hours to be found.
        return FoundTable(columns=columns, view=view, keys=keys, indexes=None)

    def _is_view(self, schema: str | None, name: str) -> bool:
        return bool(
            self._rows(
                "SELECT 1 FROM duckdb_views() WHERE lower(view_name) = lower(?) AND lower(schema_name) ="
                " lower(coalesce(?, current_schema())) AND database_name = current_database()",
                name,
                schema,
            )
        )

    def _keys(self, schema: str | None, name: str) -> tuple[frozenset[str], ...]:
        constraints = self._rows(
            "SELECT constraint_column_names FROM duckdb_constraints()"
            " WHERE constraint_type IN ('PRIMARY KEY', 'UNIQUE') AND lower(table_name) = lower(?)"
            " AND lower(schema_name) = lower(coalesce(?, current_schema()))"
            " AND database_name = current_database()",
            name,
            schema,
        )
        indexes = self._rows(
            "SELECT expressions FROM duckdb_indexes() WHERE is_unique AND lower(table_name) = lower(?)"
            " AND lower(schema_name) = lower(coalesce(?, current_schema()))"
            " AND database_name = current_database()",
            name,
            schema,
        )
        indexed = (_indexed(expressions) for (expressions,) in indexes)
        return tuple(frozenset(names) for names in (*(names for (names,) in constraints), *indexed))

    def _rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(query, parameters).fetchall()
        except duckdb.Error as error:
            raise Unreadable(str(error).strip().splitlines()[0]) from error


@contextmanager
def open_duckdb(file: Path) -> Iterator[DuckdbCatalog]:
    """Open the file for as long as the block runs. Unreachable if there is none, or a writer holds it."""
    if not file.is_file():
        raise Unreachable(f"there is no DuckDB file {file}; correct the source's URL, or make the file")
    try:
        opened = open_file(file)
    except (duckdb.Error, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        cure = (
            "close the other process that has it open"
            if "lock" in reason
            else "close it elsewhere in this process, or try again if it was replaced while it is read"
            if "different configuration" in reason
            else "see that it is a DuckDB file of this version, which this user may read"
        )
        raise Unreachable(f"{file} cannot be opened ({reason}); {cure}") from error
    with closing(opened), opened.connection.cursor() as cursor:
        yield DuckdbCatalog(cursor)


def _becomes(type_: str) -> frozenset[Kind]:
    if type_.endswith("]"):
        return DOCUMENTS
    return BECOMES.get(_PARAMETERS.sub("", type_).strip(), frozenset())


def _indexed(expressions: str) -> list[str]:
    """The columns of an index, from DuckDB's text for them: `['"Flight No"', origin]`."""
    return [part.strip("'").strip('"') for part in expressions.strip("[]").split(", ")]
