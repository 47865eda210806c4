"""The tables of any database that SQLAlchemy has a dialect for, described by its inspector."""

import itertools
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.exc import (
    CompileError,
    DBAPIError,
    NoSuchModuleError,
    NoSuchTableError,
    SQLAlchemyError,
    UnreflectableTableError,
)

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
from export_pipeline.dataset.types import Kind

SECONDS_TO_CONNECT = 10

Types = type[sa.types.TypeEngine[Any]]

# The first that fits decides. What fits none is not known to us, and may well work.
BECOMES: Sequence[tuple[Types, frozenset[Kind]]] = (
    (sa.Boolean, frozenset({Kind.BOOLEAN})),
    (sa.Integer, INTEGERS | {Kind.DECIMAL}),
    (sa.Float, FLOATS),
    (sa.Numeric, frozenset({Kind.DECIMAL, Kind.UINT64})),  # as NUMERIC(20) is where unsigned integers go
    (sa.Uuid, frozenset({Kind.UUID})),
    (sa.JSON, frozenset({Kind.JSON})),
    (sa.String, TEXTS),
    (sa.LargeBinary, frozenset({Kind.BYTES})),
    (sa.BINARY, frozenset({Kind.BYTES})),
    (sa.VARBINARY, frozenset({Kind.BYTES})),
    (sa.Date, frozenset({Kind.DATE})),
    (sa.Time, frozenset({Kind.TIME})),
    (sa.Interval, DURATIONS),
    (postgresql.INTERVAL, DURATIONS),
    (sa.ARRAY, DOCUMENTS),
    (postgresql.MONEY, frozenset()),  # its text depends on the server's locale
)

# SQLite's columns hold what is put into them: moments as text, true and false as integers; and as text also
# exact numbers, where they have more digits than a float.
_AS_TEXT = DURATIONS | {
    *(Kind.TIMESTAMP, Kind.TIMESTAMP_LOCAL, Kind.DATE, Kind.TIME, Kind.DECIMAL, Kind.UINT64),
}
SQLITE_ALSO: Sequence[tuple[Types, frozenset[Kind]]] = (
    (sa.Integer, FLOATS | {Kind.BOOLEAN}),
    (sa.Float, frozenset({Kind.DECIMAL})),
    (sa.Numeric, INTEGERS | FLOATS | {Kind.BOOLEAN}),
    (sa.String, _AS_TEXT),
)

# MySQL has no type for true and false, nor for instants: DATETIME and TIMESTAMP are both read as UTC.
MYSQL_ALSO: Sequence[tuple[Types, frozenset[Kind]]] = (
    (mysql.TINYINT, frozenset({Kind.BOOLEAN})),
    (mysql.BIT, frozenset({Kind.BOOLEAN})),
    (mysql.YEAR, INTEGERS),
    *((blob, frozenset({Kind.BYTES})) for blob in (mysql.TINYBLOB, mysql.MEDIUMBLOB, mysql.LONGBLOB)),
    (sa.String, DURATIONS),
)
ALSO: Mapping[str, Sequence[tuple[Types, frozenset[Kind]]]] = {
    "sqlite": SQLITE_ALSO,
    "mysql": MYSQL_ALSO,
    "mariadb": MYSQL_ALSO,
}


# A database that will not say, a name that it does not know, a dialect that cannot ask.
REFUSED = (DBAPIError, NoSuchTableError, UnreflectableTableError, NotImplementedError)

# Of those of which we know that they have them.
SAVEPOINTS = frozenset({"mariadb", "mysql", "postgresql", "sqlite"})


class SqlCatalog:
    """A database, connected to. Nothing is written to it."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._inspector = sa.inspect(connection)
        self._dialect = connection.dialect

    @property
    def folds_case(self) -> bool:
        return self._dialect.name in ("sqlite", "mysql", "mariadb")

    def relations(self, schema: str | None) -> Sequence[str]:
        with self._described():
            tables = self._inspector.get_table_names(schema)
            views = self._inspector.get_view_names(schema)
        return [*tables, *views, *self._materialized(schema)]

    def columns(self, schema: str | None, name: str) -> tuple[FoundColumn, ...]:
        with self._described():
            return self._columns(schema, name, ())

    def table(self, schema: str | None, name: str) -> FoundTable:
        with self._described():
            view = name in self._inspector.get_view_names(schema)
            primary = self._inspector.get_pk_constraint(name, schema)["constrained_columns"]
            columns = self._columns(schema, name, primary)
            if view:
                return FoundTable(columns=columns, view=True, keys=None, indexes=None)
            constraints = self._inspector.get_unique_constraints(name, schema)
            indexes = self._inspector.get_indexes(name, schema)
        whole = [index for index in indexes if not _partial(index)]
        unique = [
            tuple(primary),
            *(tuple(constraint["column_names"]) for constraint in constraints),
            *(_columns(index) for index in whole if index["unique"] and None not in index["column_names"]),
        ]
        ordered = [*unique, *(_columns(index) for index in whole)]
        return FoundTable(
            columns=columns,
            view=False,
            keys=tuple(frozenset(names) for names in unique if names),
            indexes=tuple(names for names in ordered if names),
        )

    def _columns(self, schema: str | None, name: str, primary: Collection[str]) -> tuple[FoundColumn, ...]:
        return tuple(
            FoundColumn(
                name=str(column["name"]),
                type=self._name(column["type"]),
                becomes=self._becomes(column["type"]),
                nullable=bool(column["nullable"]) and column["name"] not in primary,
            )
            for column in self._inspector.get_columns(name, schema)
        )

    @contextmanager
    def _described(self) -> Iterator[None]:
        """What the inspector does not know is no news for our reader; what the database refuses is."""
        try:
            with self._undone(), warnings.catch_warnings():
                warnings.simplefilter("ignore", sa.exc.SAWarning)
                yield
        except REFUSED as error:
            raise Unreadable(_reason(error)) from error

    @contextmanager
    def _undone(self) -> Iterator[None]:
        """After an error in the block the next table can be asked about. Where databases have savepoints,
        what was before it stays: the moment of the transaction, and the locks that it holds.
        """
        try:
            with self._connection.begin_nested() if self._dialect.name in SAVEPOINTS else nullcontext():
                yield
        except REFUSED:
            if self._dialect.name not in SAVEPOINTS or self._connection.invalidated:
                self._connection.rollback()
            raise

    def _materialized(self, schema: str | None) -> Sequence[str]:
        if self._dialect.name != "postgresql":
            return []
        with self._described():
            return self._inspector.get_materialized_view_names(schema)

    def _name(self, type_: sa.types.TypeEngine[Any]) -> str:
        try:
            return type_.compile(self._dialect).lower()
        except CompileError:  # a type without a name, as SQLite lets a column have
            return "of no type we know"

    def _becomes(self, type_: sa.types.TypeEngine[Any]) -> frozenset[Kind] | None:
        if isinstance(type_, postgresql.DOMAIN):
            type_ = type_.data_type
        if isinstance(type_, sa.DateTime):
            instants = frozenset({Kind.TIMESTAMP})
            return instants if type_.timezone else instants | {Kind.TIMESTAMP_LOCAL}
        if isinstance(type_, sa.Time) and type_.timezone:
            return frozenset()
        kinds, also = _first(BECOMES, type_), _first(ALSO.get(self._dialect.name, ()), type_)
        return kinds if also is None else also | (kinds or frozenset())


@contextmanager
def open_sql(url: sa.URL) -> Iterator[SqlCatalog]:
    """Connect for as long as the block runs. Unreachable says why that cannot be; never with the password."""
    where = f"the {url.get_backend_name()} database {url.database or ''}".strip()
    if url.host:
        where += f" on {url.host}"
    file = url.database or ":memory:"
    in_a_file = url.get_backend_name() == "sqlite" and not file.startswith((":memory:", "file:"))
    if in_a_file and not Path(file).is_file():  # SQLite would make it
        raise Unreachable(f"there is no SQLite file {file}; correct the source's URL, or make the file")
    # The drivers that we bring along.
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    if url.drivername in ("mysql", "mariadb"):
        url = url.set(drivername=f"{url.drivername}+pymysql")
    patience: dict[str, Any] = {}
    if url.drivername == "postgresql+psycopg":
        patience = {"connect_timeout": SECONDS_TO_CONNECT, "client_encoding": "utf8"}
    try:
        engine = sa.create_engine(url, poolclass=sa.NullPool, connect_args=patience)
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise Unreachable(
            f"the source's URL begins with {url.drivername!r}, for which no driver is installed; install it,"
            " or correct the URL"
        ) from error
    try:
        connection = engine.connect()
    except (SQLAlchemyError, OSError, ValueError, TypeError) as error:
        raise Unreachable(
            f"{where} cannot be reached ({_reason(error)}); see that it runs, and that host, name, user and"
            " password in the source's URL are right"
        ) from error
    with connection:
        yield SqlCatalog(connection)


def _columns(index: Any) -> tuple[str, ...]:
    """The columns an index begins with, up to the first expression."""
    return tuple(itertools.takewhile(lambda name: name is not None, index["column_names"]))


def _reason(error: Exception) -> str:
    if isinstance(error, NotImplementedError):  # which says nothing else
        return "the driver's dialect of SQLAlchemy cannot tell what the database holds"
    original = getattr(error, "orig", None) or error
    return next(iter(str(original).strip().splitlines()), type(original).__name__)


def _partial(index: Any) -> bool:
    """Whether it covers only some of the rows."""
    return any(key.endswith("_where") and where for key, where in index.get("dialect_options", {}).items())


def _first(
    families: Sequence[tuple[Types, frozenset[Kind]]], type_: sa.types.TypeEngine[Any]
) -> frozenset[Kind] | None:
    return next((kinds for family, kinds in families if isinstance(type_, family)), None)
