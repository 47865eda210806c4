"""Numbers compared as what arrives of them, alike on every engine and whatever their column's own type."""

from collections.abc import Collection
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from export_pipeline.filters.collation import MYSQL

# The least that does not become zero, and the most that does not become infinity, in 32 bits.
SMALLEST_SINGLE, LARGEST_SINGLE = 7.1e-46, 3.4028234663852886e38


class as_bound(FunctionElement[Any]):  # noqa: N801
    """A bound value, certain to be of its type."""

    inherit_cache = True

    def __init__(self, value: sa.BindParameter[Any]) -> None:
        super().__init__(value)
        self.type = value.type


@compiles(as_bound)
def _as_its_type(element: as_bound, compiler: SQLCompiler, **options: Any) -> str:
    (value,) = element.clauses
    return compiler.process(sa.cast(value, element.type), **options)


@compiles(as_bound, "sqlite", *MYSQL)
def _as_it_is(element: as_bound, compiler: SQLCompiler, **options: Any) -> str:
    """SQLite's values have their types with them, as have the literals that MySQL is given."""
    return compiler.process(element.clauses, **options)


class as_single(FunctionElement[Any]):  # noqa: N801
    """A column of floats, each as the 32-bit one that arrives: of the 64-bit 0.1 that is another number. What
    no 32-bit float can hold stays what it is; engines would fail."""

    inherit_cache = True

    def __init__(self, column: sa.ColumnElement[Any]) -> None:
        self.type = column.type  # first: it decides how the element is compared
        super().__init__(column)


@compiles(as_single)
def _rounded_to_single(element: as_single, compiler: SQLCompiler, **options: Any) -> str:
    column = compiler.process(element.clauses, **options)
    single = sa.types.REAL().compile(compiler.dialect)
    inside = f"abs({column}) BETWEEN {SMALLEST_SINGLE!r} AND {LARGEST_SINGLE!r}"
    return f"(CASE WHEN {inside} THEN CAST({column} AS {single}) ELSE {column} END)"


@compiles(as_single, *MYSQL)
def _rounded_to_float(element: as_single, compiler: SQLCompiler, **options: Any) -> str:
    column = compiler.process(element.clauses, **options)
    inside = f"abs({column}) BETWEEN {SMALLEST_SINGLE!r} AND {LARGEST_SINGLE!r}"
    return f"(CASE WHEN {inside} THEN CAST({column} AS FLOAT) ELSE {column} END)"


@compiles(as_single, "sqlite")
def _not_rounded(element: as_single, compiler: SQLCompiler, **options: Any) -> str:
    """SQLite has no such type: a column's own type has to know."""
    return compiler.process(element.clauses, **options)


class whole_number(FunctionElement[Any]):  # noqa: N801
    """A column of integers. MySQL compares one of years by itself as no number: its reader sees to that, who
    knows which are years (see `years_as_numbers`)."""

    inherit_cache = True

    def __init__(self, column: sa.ColumnElement[Any]) -> None:
        self.type = column.type
        super().__init__(column)


@compiles(whole_number)
def _column_itself(element: whole_number, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


def years_as_numbers(rows: sa.Select[Any], names: Collection[str] | None) -> sa.Select[Any]:
    """The select with these columns, which are years, compared as numbers: by itself one takes 13 for 2013.
    None: nobody knows which are, so it is done to all integers.

    What is added to has no index any more: so it is done to no other that is known.
    """

    def replaced(element: Any, **kw: Any) -> Any:  # noqa: ARG001  # SQLAlchemy's names
        if not isinstance(element, whole_number):
            return None
        (column,) = element.clauses
        named = isinstance(column, sa.ColumnClause) and (names is None or column.name.lower() in names)
        return column + sa.literal_column("0") if named else None

    replaced_all: Any = sa.sql.visitors.replacement_traverse(rows, {}, replaced)
    return cast("sa.Select[Any]", replaced_all)


class is_a_number(FunctionElement[bool]):  # noqa: N801
    """Whether a float, which is compared with infinity, is a number: PostgreSQL and DuckDB hold NaN for the
    greatest of all. For us it is none."""

    inherit_cache = True
    # Of no type, as all conditions here: SQLAlchemy would write `(...) = 1` where there is no Boolean.


@compiles(is_a_number)
def _up_to_infinity(element: is_a_number, compiler: SQLCompiler, **options: Any) -> str:
    number, infinity = (compiler.process(clause, **options) for clause in element.clauses)
    return f"({number} <= {infinity})"


@compiles(is_a_number, *MYSQL)
def _always(element: is_a_number, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ARG001
    """MySQL has neither NaN nor infinity."""
    return "true"


class is_exact(FunctionElement[bool]):  # noqa: N801
    """Whether a decimal is a number: PostgreSQL has a NaN of them, too, and holds it for the greatest."""

    inherit_cache = True
    # Of no type, like is_a_number.


@compiles(is_exact)
def _not_nan(element: is_exact, compiler: SQLCompiler, **options: Any) -> str:
    return f"(CAST({compiler.process(element.clauses, **options)} AS TEXT) <> 'NaN')"


@compiles(is_exact, "sqlite", *MYSQL)
def _always_exact(element: is_exact, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ARG001
    return "1 = 1"
