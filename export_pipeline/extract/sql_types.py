"""How columns are compared and read in SQL. What arrives is the driver's value; `values` makes it Arrow."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from export_pipeline.dataset.types import ColumnType, Kind
from export_pipeline.extract.moment_key import DATE_KEY, MOMENT_KEY, MOMENT_WITHIN, TIME_KEY
from export_pipeline.extract.number_key import NUMBER_KEY, number_key
from export_pipeline.extract.single import SINGLE


class OneForm(sa.TypeDecorator[Any], ABC):
    """A type whose values have several forms in SQLite, which compares texts letter by letter: a column of it
    is compared in one form, which is also that of what it is compared with. A value that has none fails the
    query."""

    cache_ok = True

    class comparator_factory(sa.TypeDecorator.Comparator[Any]):  # noqa: N801  # SQLAlchemy's name
        def operate(self, op: Callable[..., Any], *other: Any, **options: Any) -> sa.ColumnElement[Any]:
            if isinstance(self.expr, in_one_form):
                return super().operate(op, *other, **options)
            compared: sa.ColumnElement[Any] = op(in_one_form(self.expr), *other, **options)
            return compared

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        return dialect.type_descriptor(sa.Text() if dialect.name == "sqlite" else self.impl_instance)

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> None:
        """None: what arrives is the driver's value."""

    @abstractmethod
    def in_sqlite(self, column: str) -> str:
        """The SQL for the column's value in the one form."""


class Moment(OneForm):
    """A moment: of a `timestamp` column, an instant (`zone`), or of a `timestamp_local` one.

    SQLite has only text for it, which may have a T, a Z and a fraction, or not. PostgreSQL and DuckDB know
    instants; all others keep a wall clock's reading, which is taken to be UTC.
    """

    impl = sa.DateTime
    cache_ok = True

    def __init__(self, *, zone: bool) -> None:
        super().__init__(timezone=zone)
        self.zone = zone

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> Any:
        if value is None or (self.zone and dialect.name == "postgresql"):
            return value
        reading = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
        return reading.isoformat(" ", "microseconds") if dialect.name == "sqlite" else reading

    def in_sqlite(self, column: str) -> str:
        return f"{MOMENT_KEY}({column})"


class TimeOfDay(OneForm):
    """A time of day. SQLite's texts of it may have a fraction or not."""

    impl = sa.Time
    cache_ok = True

    def process_bind_param(self, value: time | None, dialect: sa.Dialect) -> Any:
        return value.isoformat("microseconds") if value and dialect.name == "sqlite" else value

    def in_sqlite(self, column: str) -> str:
        return f"{TIME_KEY}({column})"


class Day(OneForm):
    """A date. What is none in SQLite would be somewhere among the texts of others."""

    impl = sa.Date
    cache_ok = True

    def process_bind_param(self, value: date | None, dialect: sa.Dialect) -> Any:
        return value.isoformat() if value and dialect.name == "sqlite" else value

    def in_sqlite(self, column: str) -> str:
        return f"{DATE_KEY}({column})"


class ExactNumber(OneForm):
    """A decimal, or an unsigned integer of 64 bits. SQLite may have text for it, to keep all its digits."""

    impl = sa.Numeric
    cache_ok = True

    def process_bind_param(self, value: Decimal | int | None, dialect: sa.Dialect) -> Any:
        return number_key(value) if dialect.name == "sqlite" else value

    def in_sqlite(self, column: str) -> str:
        return f"{NUMBER_KEY}({column})"


class Single(OneForm):
    """A 32-bit float. SQLite keeps it as a 64-bit one, which is not the same number if it was one before."""

    impl = sa.Double
    cache_ok = True

    def in_sqlite(self, column: str) -> str:
        return f"{SINGLE}({column})"


class in_one_form(FunctionElement[Any]):  # noqa: N801  # reads as the SQL function that it stands for
    """A column's value, to be compared and ordered."""

    inherit_cache = True

    def __init__(self, column: sa.ColumnElement[Any]) -> None:
        super().__init__(column)
        assert isinstance(column.type, OneForm)
        self.type = column.type


@compiles(in_one_form)
def _as_it_is(element: in_one_form, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


@compiles(in_one_form, "sqlite")
def _as_texts_compare(element: in_one_form, compiler: SQLCompiler, **options: Any) -> str:
    assert isinstance(element.type, OneForm)
    return element.type.in_sqlite(compiler.process(element.clauses, **options))


class within(FunctionElement[bool]):  # noqa: N801
    """Whether a column of moments is in `[since, until)`."""

    inherit_cache = True
    # Of no type: SQLite has no Boolean, SQLAlchemy would write `(...) = 1` there, and no index would be used.

    def __init__(self, column: sa.ColumnElement[Any], since: datetime, until: datetime) -> None:
        assert isinstance(column.type, Moment)
        if not column.type.zone:
            since, until = since.replace(tzinfo=None), until.replace(tzinfo=None)
        bound = Moment(zone=column.type.zone)
        super().__init__(column, sa.bindparam(None, since, bound), sa.bindparam(None, until, bound))


@compiles(within)
def _between_bounds(element: within, compiler: SQLCompiler, **options: Any) -> str:
    column, since, until = (compiler.process(part, **options) for part in element.clauses)
    return f"({column} >= {since} AND {column} < {until})"


@compiles(within, "sqlite")
def _between_bounds_in_one_form(element: within, compiler: SQLCompiler, **options: Any) -> str:
    """The days come first, on the column as it is: an index can help there. They are those before and after
    the hour's too, since a moment that is written in another zone may have another date.

    Which hour a moment in any other form belongs to cannot be told: the query fails, since otherwise such a
    row would be in the wrong hour's file, or in none. Wherever it is in the table, if it does not begin with
    a digit: numbers sort before all texts, blobs after them, and an index finds either. The
    days are asked twice because SQLite chooses an order for what AND joins, and none for a CASE.
    """
    column, since, until = (compiler.process(part, **options) for part in element.clauses)
    after = f"coalesce(date({until}, '+2 days'), ':')"  # there is none after the year 9999
    days = f"{column} >= date({since}, '-1 day') AND {column} < {after}"
    # What stands before and after all digits. A 0 would be taken for a number by a column of numbers.
    odd = f"{column} < '/~' OR {column} >= ':'"
    inside = f"{MOMENT_WITHIN}({column}, {since}, {until})"
    return f"(({days} OR {odd}) AND CASE WHEN {days} OR {odd} THEN {inside} ELSE 0 END)"


class within_in_order(within):  # noqa: N801
    """The same of a column whose texts are all in the one form, as we write them: an index finds the hour."""

    inherit_cache = True


@compiles(within_in_order)
@compiles(within_in_order, "sqlite")
def _between_bounds_as_they_are(element: within_in_order, compiler: SQLCompiler, **options: Any) -> str:
    return _between_bounds(element, compiler, **options)


class AsText(sa.TypeDecorator[str]):
    """A column read as text, whatever the engine's type for it: a UUID, JSON."""

    impl = sa.Text
    cache_ok = True

    def column_expression(self, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        return sa.type_coerce(sa.cast(column, sa.Text()), sa.Text())


def sql_type(type_: ColumnType) -> sa.types.TypeEngine[Any]:
    """The SQL type for a column declared as `type_`; none where the driver's value is what is wanted."""
    match type_.kind:
        case Kind.TIMESTAMP:
            return Moment(zone=True)
        case Kind.TIMESTAMP_LOCAL:
            return Moment(zone=False)
        case Kind.TIME:
            return TimeOfDay()
        case Kind.DATE:
            return Day()
        case Kind.DECIMAL:
            return ExactNumber(type_.precision, type_.scale)
        case Kind.UINT64:
            return ExactNumber(20, 0)
        case Kind.FLOAT32:
            return Single()
        case Kind.UUID | Kind.JSON:
            return AsText()
        case _:
            return sa.types.NullType()
