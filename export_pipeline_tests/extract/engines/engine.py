"""What the suite has to know of a database: how to open it, its types' names, what it cannot hold."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import sqlalchemy as sa

from export_pipeline.dataset.types import Kind
from export_pipeline.extract.source import Source
from export_pipeline.extract.sources import STATEMENT_LIMIT, open_source

Row: TypeAlias = tuple[Any, ...]
Run: TypeAlias = Callable[[str, Sequence[Row]], None]


@dataclass(frozen=True, slots=True)
class Refused:
    """The hour fails: what of the message says why."""

    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Native:
    """A type of the engine's own, declared as one of ours: what arrives of an SQL expression of that type.

    `before` are statements that make the type.
    """

    type: str
    value: str
    declared: str
    arrives: Any
    before: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.type} {self.value} as {self.declared}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lent:
    """A type of the engine's that is declared as one of ours which it is not, and SQL expressions of it.

    `before` are statements that make the type.
    """

    type: str
    declared: str
    values: Sequence[str]
    before: tuple[str, ...] = ()


# Which of these are equal, or come first, a collation of the engine's may see otherwise.
COLLATED = ("'Quebec'", "'Québec'", "'QUÉBEC'", "'Paris'", "'Paris '", "'paris'", "'ß'", "null")


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineKind:
    """One kind of database.

    `holds` says whether it can hold a value of ours; `mechanism` is what receipts say of its snapshots;
    `ignoring_case` is the SQL of a text column that takes `acme` and `ACME` for equal, where there is one;
    `million` is a SELECT that makes a million rows of `id`, `seen` and eighteen texts.
    """

    name: str
    mechanism: str
    types: Mapping[Kind, str]
    natives: Sequence[Native]
    lent: Sequence[Lent]
    holds: Callable[[Any], bool]
    ignoring_case: str
    endless: str
    million: str
    open: Callable[[pytest.FixtureRequest, Path], AbstractContextManager[tuple[str, Run]]]

    @contextmanager
    def opened(self, request: pytest.FixtureRequest, folder: Path) -> Iterator["Engine"]:
        with self.open(request, folder) as (url, run):
            yield Engine(kind=self, url=url, run=run)


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A database of one kind, and how tests write to it. A `load` is done when the source is not open."""

    kind: EngineKind
    url: str
    run: Run

    @property
    def name(self) -> str:
        return self.kind.name

    @property
    def types(self) -> Mapping[Kind, str]:
        return self.kind.types

    def load(self, columns: Mapping[str, str], rows: Sequence[Row]) -> None:
        """A new table `events` of these columns (their types in this database's SQL) and rows."""
        self.run("drop table if exists events", [])
        self.run(f"create table events ({', '.join(f'{n} {t}' for n, t in columns.items())})", [])
        places = ", ".join(f":{name}" for name in columns)
        if rows:
            self.run(f"insert into events values ({places})", rows)

    def load_endless(self) -> None:
        """A view `events` in which the database looks for rows of the first hour of 2013, and never ends."""
        self.run(
            "create view events as select n as id, cast(case n & 1 when 0 then '2013-02-01 00:30:00' else"
            f" '2013-03-01 00:30:00' end as {self.types[Kind.TIMESTAMP]}) as seen from {self.kind.endless}",
            [],
        )

    @contextmanager
    def source(self, limit: timedelta = STATEMENT_LIMIT) -> Iterator[Source]:
        with closing(open_source(self.url, limit)) as source:
            yield source


@contextmanager
def driven(url: str, held: Callable[[Any], Any]) -> Iterator[Run]:
    """What runs statements in the database at a SQLAlchemy URL; `held` makes a value the driver's."""
    database = sa.create_engine(url, poolclass=sa.NullPool)
    mark = "?" if database.dialect.name == "sqlite" else "%s"

    def run(statement: str, rows: Sequence[Row]) -> None:
        with database.begin() as connection:
            if rows:
                held_rows = [tuple(held(value) for value in row) for row in rows]
                connection.exec_driver_sql(with_marks(statement, mark), held_rows)
            else:
                connection.execute(sa.text(statement.replace(":", r"\:")))

    try:
        yield run
    finally:
        database.dispose()


def with_marks(statement: str, mark: str) -> str:
    """An INSERT with the driver's marks for values."""
    head, separator, tail = statement.partition("values (")
    return head + separator + ", ".join(mark for _ in tail.split(",")) + (")" if separator else "")


def text_of(value: Any) -> Any:
    """A value as text that a database reads exactly, where its driver would not write it so."""
    if isinstance(value, datetime):
        aware = value.tzinfo is not None
        return (value.astimezone(UTC).replace(tzinfo=None) if aware else value).isoformat(" ") + "Z" * aware
    if value is None or isinstance(value, (bool, bytes, float, str)):
        return value
    if isinstance(value, int):
        return value if value < 2**63 else str(value)
    return format(value, "f") if isinstance(value, Decimal) else str(value)
