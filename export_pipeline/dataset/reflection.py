"""Whether a declared dataset is what the database has: every difference at once, each with its cure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError

from export_pipeline.dataset.catalog import (
    Catalog,
    FoundColumn,
    FoundTable,
    OpenCatalog,
    Unreachable,
    Unreadable,
)
from export_pipeline.dataset.duckdb_catalog import open_duckdb
from export_pipeline.dataset.mistakes import dotted
from export_pipeline.dataset.positions import Place
from export_pipeline.dataset.sql_catalog import open_sql
from export_pipeline.dataset.tables import Column, Dataset, Table, suggestion
from export_pipeline.dataset.types import Kind

UNASKED: Place = ("source",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One difference. With an `error` exports fail; with a `warning` they may be slow, or fail some day.

    `place` is what of the declaration it is about; UNASKED when the database could not be asked at all.
    """

    severity: Literal["error", "warning"]
    place: Place
    message: str

    @property
    def path(self) -> str:
        """The place in words: `tables.flights.columns[3].type`."""
        return dotted(self.place)


def check_against(dataset: Dataset, url: str) -> tuple[Problem, ...]:
    """What is wrong between the declaration and the database at a SQLAlchemy URL; empty if all is well.

    A database that cannot be reached is a problem like any other. The URL's password is in no message.
    """
    try:
        with _open(url) as catalog:
            return tuple(
                problem for table in dataset.tables.values() for problem in _problems_of_table(catalog, table)
            )
    except Unreachable as error:
        return (_error(UNASKED, str(error)),)


def _open(url: str) -> OpenCatalog:
    try:
        target = sa.make_url(url)
    except (ArgumentError, ValueError) as error:
        raise Unreachable(
            "the source's URL is none; write it like postgresql://user:password@host/database"
        ) from error
    if target.get_backend_name() == "duckdb":
        return open_duckdb(Path(target.database or ""))
    return open_sql(target)


def _problems_of_table(catalog: Catalog, table: Table) -> Iterator[Problem]:
    place = ("tables", table.name)
    schema, _, name = table.relation.rpartition(".")
    try:
        relations = catalog.relations(schema or None)
        known = _same(catalog, name, relations)
        if known is None:
            yield _error((*place, "relation"), _no_relation(table.relation, relations))
            return
        found = catalog.table(schema or None, known)
    except Unreadable as error:
        yield _error(
            place,
            f"the database will not describe {table.relation} ({error}); see that it can be selected from, by"
            " the user in the source's URL",
        )
        return
    yield from _problems_of_columns(catalog, table, found)
    yield from _problems_of_keys(catalog, table, found)


def _no_relation(relation: str, known: Sequence[str]) -> str:
    near = suggestion(relation.rpartition(".")[2], known) if known else "; there is none at all there"
    return f"the database has no table or view {relation!r}{near}; correct the name, or let this user see it"


def _problems_of_columns(catalog: Catalog, table: Table, found: FoundTable) -> Iterator[Problem]:
    columns = {column.name: column for column in found.columns}
    for index, column in enumerate(table.columns):
        place = ("tables", table.name, "columns", index)
        known = _same(catalog, column.name, tuple(columns))
        if known is None:
            near = suggestion(column.name, tuple(columns)) if columns else "; it has no columns"
            message = f"{table.relation} has no column {column.name!r}{near}; correct the name, or remove it"
            yield _error((*place, "name"), message)
            continue
        yield from _problem_of_type(table, column, columns[known], (*place, "type"))
        if not column.nullable and columns[known].nullable and not found.view:
            yield _warning(
                (*place, "nullable"),
                f"{column.name!r} is declared not nullable, but the database lets it be NULL, and an hour"
                " with a NULL fails; add NOT NULL to the column, or declare it with nullable = true",
            )


def _problem_of_type(table: Table, column: Column, found: FoundColumn, place: Place) -> Iterator[Problem]:
    kind, given = column.type.kind, f"{table.relation}.{found.name} is {found.type}"
    if found.becomes is None:
        yield _warning(
            place, f"{given}, and whether that can be {column.type} only an export can tell; try one hour"
        )
    elif kind in found.becomes:
        return
    elif kind in (Kind.UUID, Kind.JSON):
        yield _warning(
            place, f"{given}, whose text would be exported as {column.type}; declare it as what it is"
        )
    else:
        yield _error(place, f"{given}, which cannot become {column.type}; {_type_cure(found.becomes)}")


def _type_cure(becomes: frozenset[Kind]) -> str:
    if not becomes:
        return "leave the column out, or declare a view that casts it"
    names = ("decimal(p,s)" if kind is Kind.DECIMAL else kind.value for kind in Kind if kind in becomes)
    return f"declare it as {' or '.join(names)}, or declare a view that casts it"


def _problems_of_keys(catalog: Catalog, table: Table, found: FoundTable) -> Iterator[Problem]:
    nullable = {_folded(catalog, column.name) for column in found.columns if column.nullable}
    order = {_folded(catalog, name) for name in table.order_by}
    keys = [{_folded(catalog, name) for name in key} for key in found.keys or ()]
    # Several rows may have NULL in a unique column.
    if found.keys is not None and not any(key <= order and not key & nullable for key in keys):
        yield _warning(
            ("tables", table.name, "order_by"),
            f"{', '.join(table.order_by)}: no primary key, and no unique index over NOT NULL columns, is made"
            " of these or some of them, so rows may be ordered differently next time, and an hour's file"
            f" have other bytes; add the columns of a key to order_by, or a unique index to {table.relation}",
        )
    time = _folded(catalog, table.time_column)
    if found.indexes is not None and not any(
        _folded(catalog, index[0]) == time for index in found.indexes if index
    ):
        yield _warning(
            ("tables", table.name, "time_column"),
            f"no index of {table.relation} begins with {table.time_column!r}, so every hour reads the whole"
            f" table; create an index on {table.relation} ({table.time_column})",
        )


def _same(catalog: Catalog, name: str, known: Sequence[str]) -> str | None:
    """The database's own spelling of a name, if it has it."""
    if name in known:
        return name
    return next((each for each in known if _folded(catalog, each) == _folded(catalog, name)), None)


def _folded(catalog: Catalog, name: str) -> str:
    return name.lower() if catalog.folds_case else name


def _error(place: Place, message: str) -> Problem:
    return Problem(severity="error", place=place, message=message)


def _warning(place: Place, message: str) -> Problem:
    return Problem(severity="warning", place=place, message=message)
