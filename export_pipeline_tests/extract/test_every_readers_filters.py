"""Filters through every reader, on columns whose type is not the declared one: they see what arrives."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from export_pipeline.dataset.tables import Table
from export_pipeline.dataset.types import Kind
from export_pipeline.extract.query import rows_of_hour
from export_pipeline.extract.schema import arrow_schema
from export_pipeline.extract.source import Snapshot
from export_pipeline.filters import limits
from export_pipeline.filters.checking import OPERATORS, check
from export_pipeline.filters.folding import fold, other_forms
from export_pipeline.filters.meaning import holds
from export_pipeline.filters.tree import EVERY_ROW, AllOf, AnyOf, Comparison, Contains, Filter, OneOf
from export_pipeline_tests.builders import a_column, an_hour
from export_pipeline_tests.extract.engines import Engine
from export_pipeline_tests.extract.test_every_reader import SEEN, a_table, load, rows_read
from export_pipeline_tests.filters.strategies import LITERALS, condition, filters_on

ON_ENGINES = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
ROWS = 8


class LentTable:
    """An engine's table of all types that it lends, and what arrives of it."""

    def __init__(self, engine: Engine, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        lent = {f"c{number}": lent for number, lent in enumerate(engine.kind.lent)}
        self.table = Table(
            name="events",
            relation="events",
            columns=(
                a_column("id", "int64", nullable=False),
                a_column("seen", "timestamp", nullable=False),
                *(a_column(name, lent.declared) for name, lent in lent.items()),
            ),
            time_column="seen",
            order_by=("id",),
        )
        self.rows = self.selected(EVERY_ROW, len(self.table.columns))

    @property
    def kinds(self) -> Mapping[str, Kind]:
        return {column.name: column.type.kind for column in self.table.columns}

    def selected(self, filter_: Filter, columns: int = 1) -> list[dict[str, Any]]:
        """The rows that are read; so many were counted, too."""
        chosen = self.table.columns[:columns]
        rows = rows_of_hour(self.table, chosen, an_hour(), filter_, None)
        read = [
            row for batch in self.snapshot.batches(rows, arrow_schema(chosen)) for row in batch.to_pylist()
        ]
        assert self.snapshot.count(rows) == len(read), filter_
        return read

    def agrees(self, filter_: Filter) -> None:
        expected = [row["id"] for row in self.rows if holds(filter_, row)]
        assert [row["id"] for row in self.selected(filter_)] == expected, filter_


@pytest.fixture
def lent(engine: Engine) -> Iterator[LentTable]:
    for statement in (statement for lent in engine.kind.lent for statement in lent.before):
        engine.run(statement, [])
    types = [lent.type for lent in engine.kind.lent]
    columns = ", ".join(f"c{number} {type_}" for number, type_ in enumerate(types))
    engine.run(f"create table events (id bigint, seen {engine.types[Kind.TIMESTAMP]}, {columns})", [])
    for row in range(ROWS):
        values = ", ".join(lent.values[row % len(lent.values)] for lent in engine.kind.lent)
        engine.run(f"insert into events values ({row}, '2013-01-01 00:30:00', {values})", [])
    with engine.source() as source, source.snapshot() as snapshot:
        yield LentTable(engine, snapshot)


def test_each_operator_selects_what_it_means_of_what_arrives(lent: LentTable) -> None:
    for column, kind in lent.kinds.items():
        arrived = [row[column] for row in lent.rows]
        literals = [*LITERALS[kind], *(value for value in arrived if _can_be_named(value))]
        for operator in OPERATORS[kind]:
            for literal in dict.fromkeys(literals):
                lent.agrees(check(condition(column, operator, [literal]), lent.table))


def test_a_value_rounded_by_its_own_column_does_not_choose_another_row(lent: LentTable) -> None:
    for column, kind in lent.kinds.items():
        for literal in LITERALS[kind] if "==" in OPERATORS[kind] else ():
            this, others = Comparison(column, "==", literal), Comparison(column, "!=", literal)
            either = AnyOf(
                (AllOf((this, Comparison("id", "<", 4))), AllOf((others, Comparison("id", ">=", 4))))
            )
            lent.agrees(check(either, lent.table))


@ON_ENGINES
@given(data=st.data())
def test_what_a_filter_selects_is_what_it_means_of_what_arrives(lent: LentTable, data: st.DataObject) -> None:
    lent.agrees(check(data.draw(filters_on(lent.kinds)), lent.table))


@pytest.mark.slow
@settings(ON_ENGINES, max_examples=3000)
@given(data=st.data())
def test_thousands_of_filters_mean_the_same_of_what_arrives(lent: LentTable, data: st.DataObject) -> None:
    lent.agrees(check(data.draw(filters_on(lent.kinds)), lent.table))


def largest_filter() -> Filter:
    """At the limits of conditions, values and letters at once, on one text column."""
    conditions = limits.MAX_CONDITIONS
    searched = tuple(Contains("word", f"abcdefghijlmnopq{number}") for number in range(conditions - 2))
    values = limits.MAX_VALUES - len(searched) - 1
    listed = OneOf("word", tuple(f"x{number}" for number in range(values)))
    letters = limits.MAX_FOLDED - sum(len(other_forms(fold(part.value))) for part in searched)
    more = "".join(letter for letter in map(chr, range(0x430, 0x30000)) if other_forms(fold(letter)))
    return AnyOf((*searched, listed, Contains("word", _of_letters(more, min(letters, limits.MAX_LETTERS)))))


def _of_letters(among: str, count: int) -> str:
    """A text of letters that have to be folded in so many ways."""
    text = ""
    for letter in among:
        if fold(letter) == letter and len(other_forms(text + letter)) <= count:
            text += letter
    return text


def test_the_largest_filter_that_is_taken_is_answered(engine: Engine) -> None:
    load(engine, [(1, SEEN, "x5"), (2, SEEN, "y"), (3, SEEN, None)], word=engine.types[Kind.STRING])
    table = a_table(a_column("word"))
    filter_ = check(largest_filter(), table)
    (found,) = rows_read(engine, table, filter_=filter_)
    assert found["id"] == 1


def _can_be_named(value: object) -> bool:
    return value is not None and not (isinstance(value, float) and (value != value or abs(value) > 1e308))
