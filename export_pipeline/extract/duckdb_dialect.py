"""Queries for DuckDB, compiled by SQLAlchemy's PostgreSQL dialect, whose SQL DuckDB speaks."""

from typing import Any

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
