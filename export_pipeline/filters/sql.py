"""Filters as SQL, with the same meaning on every engine (see `meaning`). Values are bound, never spliced.

- Text is cast to text and compared with the collation that knows only code points, whatever the column is
  declared with (citext, an enum, `COLLATE NOCASE`). An index on a text column is thereby given up; it is the
  hour's range on the time column that keeps the scan short.
- Case is folded by replacing the letters that matter, which are few: those in the filter's own text.
- A clause is true for exactly the rows for which the filter holds; it may be null instead of false.
- A column of the source whose type is a TypeDecorator decides itself how values are bound: how a timestamp
  looks in an SQLite file, say. Otherwise the declared type decides.
- Every value is cast to the type it is bound with, whatever the column's own: a driver, or a statement that
  takes literals only, may give it none, and the database would then take it for a value of the column's.
"""

import math
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, assert_never

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from export_pipeline.dataset.tables import Table
from export_pipeline.dataset.types import ColumnType, Kind
from export_pipeline.filters.collation import CODE_POINTS, MYSQL, by_digits, text_of
from export_pipeline.filters.folding import fold, other_forms
from export_pipeline.filters.numbers import as_bound, as_single, is_a_number, is_exact, whole_number
from export_pipeline.filters.tree import (
    AllOf,
    AnyOf,
    CaseInsensitive,
    Comparison,
    Contains,
    Filter,
    IsNull,
    Named,
    Not,
    OneOf,
    Value,
)

# SQLite parses with a stack of 100 symbols, of which each replace() around another takes three.
NESTED_REPLACES = 4

_INTEGERS = (Kind.INT16, Kind.INT32, Kind.INT64, Kind.UINT64)

LARGEST_IN_SQLITE = 2**63 - 1


def where_clause(filter_: Filter, table: Table, source: sa.FromClause) -> sa.ColumnElement[bool]:
    """The condition on `source`, whose columns are the table's under their API names.

    The filter is a checked one. Compiles on SQLite, PostgreSQL, MySQL, MariaDB and, through
    PostgreSQL's dialect, DuckDB.
    """
    match filter_:
        case AllOf(parts):
            return sa.and_(sa.true(), *(where_clause(part, table, source) for part in parts))
        case AnyOf(parts):
            return sa.or_(sa.false(), *(where_clause(part, table, source) for part in parts))
        case Not(part):
            return where_clause(part, table, source).is_not(sa.true())
        case Named(name):
            raise ValueError(f"${name} cannot become SQL: resolve the filter first")
        case IsNull(column):
            return _missing(source.c[column])
        case CaseInsensitive(column, value):
            type_ = table.column(column).type
            if type_.kind is Kind.UUID:
                return _comparison(source.c[column], "==", value, type_)
            folded = fold(value)
            return _folded(source.c[column], type_, folded) == _text(folded)
        case Contains(column, value):
            folded = fold(value)
            type_ = table.column(column).type
            return _position(_folded(source.c[column], type_, folded), _text(folded)) > 0
        case OneOf(column, values):
            type_ = table.column(column).type
            candidates = [_bound(value, type_, source.c[column]) for value in values]
            return _comparable(source.c[column], type_).in_(candidates)
        case Comparison(column, operator, value):
            type_ = table.column(column).type
            return _comparison(source.c[column], operator, value, type_)
        case _:
            assert_never(filter_)


def _comparison(
    column: sa.ColumnElement[Any], operator: str, value: Value, type_: ColumnType
) -> sa.ColumnElement[bool]:
    left, right = _comparable(column, type_), _bound(value, type_, column)
    if operator == "!=":
        return left.is_distinct_from(right)
    if operator == "==":
        return left == right
    clause: sa.ColumnElement[bool] = left.bool_op(operator)(right)
    if operator in (">", ">=") and type_.kind in (Kind.FLOAT32, Kind.FLOAT64):
        return sa.and_(clause, is_a_number(left, as_bound(sa.bindparam(None, math.inf, type_=sa.Double()))))
    if operator in (">", ">=") and type_.kind in (Kind.DECIMAL, Kind.UINT64):
        return sa.and_(clause, is_exact(column))
    return clause


def _comparable(column: sa.ColumnElement[Any], type_: ColumnType) -> sa.ColumnElement[Any]:
    """The column as its values are compared."""
    if type_.kind is Kind.UUID:
        return by_digits(column)
    if type_.kind is Kind.FLOAT32:
        return as_single(column)
    if type_.kind in _INTEGERS:
        return whole_number(column)
    return text_of(column, type_) if type_.kind.textual else column


def _bound(value: Value, type_: ColumnType, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    if type_.kind is Kind.UUID:
        return _text(str(value).replace("-", ""))
    if type_.kind.textual:
        return _text(str(value))
    if isinstance(column.type, sa.TypeDecorator):
        return as_bound(sa.bindparam(None, value, type_=column.type))
    return as_bound(sa.bindparam(None, value, type_=_bind_type(type_)))


def _text(value: str) -> sa.BindParameter[str]:
    return sa.bindparam(None, value, type_=CODE_POINTS)


@cache
def _letter(character: str) -> sa.BindParameter[str]:
    """One for all conditions: a statement takes so many values only, whatever their number of places."""
    return _text(character)


class _Unsigned(sa.TypeDecorator[int]):
    """Unsigned 64-bit integers. SQLite's own end at 2**63 - 1; a larger one is compared as a float there,
    which SQLite does exactly, and which no integer it holds can equal."""

    impl = sa.Numeric(20, 0)
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        # No type of its own in SQLite: the driver binds Python's integers and floats as they are.
        return sa.types.NullType() if dialect.name == "sqlite" else dialect.type_descriptor(sa.Numeric(20, 0))

    def process_bind_param(self, value: int | None, dialect: sa.Dialect) -> Any:
        if dialect.name == "sqlite" and value is not None and value > LARGEST_IN_SQLITE:
            return float(value)
        return value


BIND_TYPES: Mapping[Kind, sa.types.TypeEngine[Any]] = {
    Kind.BOOLEAN: sa.Boolean(),
    Kind.INT16: sa.BigInteger(),
    Kind.INT32: sa.BigInteger(),
    Kind.INT64: sa.BigInteger(),
    Kind.UINT64: _Unsigned(),
    Kind.FLOAT32: sa.Double(),
    Kind.FLOAT64: sa.Double(),
    Kind.DATE: sa.Date(),
    Kind.TIME: sa.Time(),
    Kind.TIMESTAMP: sa.DateTime(timezone=True),
    Kind.TIMESTAMP_LOCAL: sa.DateTime(timezone=False),
}


def _bind_type(type_: ColumnType) -> sa.types.TypeEngine[Any]:
    return sa.Numeric(type_.precision, type_.scale) if type_.kind is Kind.DECIMAL else BIND_TYPES[type_.kind]


class _missing(FunctionElement[bool]):  # noqa: N801
    """Whether the column has no value."""

    inherit_cache = True


@compiles(_missing)
def _is_null(element: _missing, compiler: SQLCompiler, **options: Any) -> str:
    return f"({compiler.process(element.clauses, **options)} IS NULL)"


@compiles(_missing, *MYSQL)
def _equals_null(element: _missing, compiler: SQLCompiler, **options: Any) -> str:
    """IS NULL also finds the date 0000-00-00 there, but only by itself, not within an expression."""
    return f"({compiler.process(element.clauses, **options)} <=> NULL)"


class _position(FunctionElement[int]):  # noqa: N801
    """Where the second text begins in the first, from 1; 0 if nowhere. Unlike LIKE, without wildcards."""

    inherit_cache = True
    type = sa.Integer()


@compiles(_position)
def _strpos(element: _position, compiler: SQLCompiler, **options: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **options)})"


@compiles(_position, "sqlite", *MYSQL)
def _instr(element: _position, compiler: SQLCompiler, **options: Any) -> str:
    return f"instr({compiler.process(element.clauses, **options)})"


class replaced(FunctionElement[str]):  # noqa: N801
    """A text, then pairs: each first character of a pair replaced by the second."""

    inherit_cache = True
    type = CODE_POINTS

    def among(self, has: Callable[[str], bool]) -> "replaced":
        """Without the pairs whose first character cannot be in the text, since its database has none such."""
        text, *letters = self.clauses
        pairs = zip(letters[::2], letters[1::2], strict=True)
        return replaced(text, *(letter for pair in pairs if has(pair[0].value) for letter in pair))


@compiles(replaced)
def _nested(element: replaced, compiler: SQLCompiler, **options: Any) -> str:
    text, *pairs = (compiler.process(clause, **options) for clause in element.clauses)
    return _replace(text, pairs)


@compiles(replaced, "sqlite")
def _step_by_step(element: replaced, compiler: SQLCompiler, **options: Any) -> str:
    """In steps of a few replacements each, because SQLite cannot parse deep nesting."""
    text, *pairs = (compiler.process(clause, **options) for clause in element.clauses)
    size = 2 * NESTED_REPLACES
    first, *rest = [pairs[start : start + size] for start in range(0, len(pairs), size)]
    if not rest:
        return _replace(text, first)
    # Compiled parts are put together here; the values in them are bound.
    steps = [f"step0(t) AS (SELECT {_replace(text, first)})"]
    for number, step in enumerate(rest):
        steps.append(f"step{number + 1}(t) AS (SELECT {_replace('t', step)} FROM step{number})")  # noqa: S608
    return f"(WITH {', '.join(steps)} SELECT t FROM step{len(rest)})"  # noqa: S608


def _replace(text: str, pairs: list[str]) -> str:
    for old, new in zip(pairs[::2], pairs[1::2], strict=True):
        text = f"replace({text}, {old}, {new})"
    return text


def _folded(column: sa.ColumnElement[Any], type_: ColumnType, folded: str) -> sa.ColumnElement[str]:
    """The column's text with those letters folded that occur in `folded`."""
    pairs = [_letter(character) for pair in other_forms(folded) for character in pair]
    text = text_of(column, type_)
    return replaced(text, *pairs) if pairs else text
