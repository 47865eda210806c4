"""Queries for DuckDB, compiled by SQLAlchemy's PostgreSQL dialect, whose SQL DuckDB speaks."""

from collections.abc import Collection
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql


class _Quoting(postgresql.base.PGIdentifierPreparer):
    """Every name in quotes: DuckDB's reserved words are not PostgreSQL's."""

    def _requires_quotes(self, value: str) -> bool:  # noqa: ARG002
        return True


# SQLAlchemy leaves the constructors of its dialects untyped.
_DIALECT = postgresql.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
_DIALECT.identifier_preparer = _Quoting(_DIALECT)


def compiled(query: sa.Select[Any]) -> tuple[str, list[Any]]:
    """The SQL for DuckDB, and the values for its `$1`, `$2`."""
    compiled = query.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
    parameters = compiled.params
    return str(compiled), [parameters[name] for name in compiled.positiontup or ()]


def in_microseconds(rows: sa.Select[Any], names: Collection[str]) -> sa.Select[Any]:
    """The select with these columns, which are TIMESTAMP_NS, cut to microseconds.

    DuckDB does not compare them with instants. Its own casts round, into the next hour too.
    """

    def replaced(element: Any, **kw: Any) -> Any:  # noqa: ARG001  # SQLAlchemy's names
        if not isinstance(element, sa.ColumnClause) or element.table is None:
            return None
        if element.name.lower() not in names:
            return None
        nanoseconds = sa.func.epoch_ns(sa.type_coerce(element, sa.types.NullType()))
        thousand: sa.ColumnElement[Any] = sa.literal_column("1000")
        before_1970 = sa.cast(nanoseconds.op("%")(thousand) < sa.literal_column("0"), sa.Integer())
        return sa.func.make_timestamp(nanoseconds.op("//")(thousand) - before_1970)

    replaced_all: Any = sa.sql.visitors.replacement_traverse(rows, {}, replaced)
    return cast("sa.Select[Any]", replaced_all)
