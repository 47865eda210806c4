import math
from collections.abc import Callable, Sequence
from typing import Any, get_args

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from export_pipeline.filters import limits
from export_pipeline.filters.checking import OPERATORS, check
from export_pipeline.filters.meaning import holds
from export_pipeline.filters.sql import where_clause
from export_pipeline.filters.text import filter_from
from export_pipeline.filters.tree import (
    AllOf,
    AnyOf,
    CaseInsensitive,
    Comparison,
    Contains,
    Filter,
    Named,
    Not,
    OneOf,
    Operator,
)
from export_pipeline_tests.filters.engines import DIALECTS, SOURCE, Engine, Row
from export_pipeline_tests.filters.strategies import (
    HELD,
    LITERALS,
    any_text,
    condition,
    filters,
    row_lists,
    texts,
)
from export_pipeline_tests.filters.tables import EVENTS, KINDS

# The engine is opened once and its rows are replaced for each example.
ON_ENGINES = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def agree(engine: Engine, filter_: Filter, rows: list[Row]) -> bool:
    held = [engine.as_held(row) for row in rows]
    engine.replace(held)
    expected = {row["id"] for row in held if holds(filter_, row)}
    return engine.selected(where_clause(filter_, EVENTS, SOURCE)) == expected


@ON_ENGINES
@given(filter_=filters, rows=row_lists())
def test_sql_selects_the_rows_for_which_the_filter_holds(
    engine: Engine, filter_: Filter, rows: list[Row]
) -> None:
    assert agree(engine, check(filter_, EVENTS), rows)


@pytest.mark.parametrize(
    ("column", "operator"),
    [(column, operator) for column, kind in KINDS.items() for operator in OPERATORS[kind]],
)
def test_each_operator_on_each_type_selects_what_it_means(engine: Engine, column: str, operator: str) -> None:
    kind = KINDS[column]
    values = [*HELD[kind], None] if column != "id" else HELD[kind]
    rows = [
        engine.as_held({**dict.fromkeys(KINDS), "id": number, column: value})
        for number, value in enumerate(values)
    ]
    engine.replace(rows)
    for literal in LITERALS[kind]:
        filter_ = check(condition(column, operator, [literal]), EVENTS)
        expected = {row["id"] for row in rows if holds(filter_, row)}
        assert engine.selected(where_clause(filter_, EVENTS, SOURCE)) == expected, literal


@pytest.mark.slow
@settings(ON_ENGINES, max_examples=3000)
@given(filter_=filters, rows=row_lists())
def test_sql_and_meaning_agree_on_thousands_of_filters(
    engine: Engine, filter_: Filter, rows: list[Row]
) -> None:
    assert agree(engine, check(filter_, EVENTS), rows)


def on_text(engine: Engine, text: str, filter_: Filter) -> bool:
    """Whether a single row whose city is `text` is selected; the row is made in the query."""
    source = sa.select(sa.bindparam("text", text, type_=sa.Text()).label("city")).subquery("one")
    return engine.run(
        sa.select(sa.literal_column("1")).select_from(source).where(where_clause(filter_, EVENTS, source))
    ) == [1]


def on_city(operator: Operator) -> Callable[[str], Filter]:
    return lambda value: Comparison("city", operator, value)


WITH_TEXT: Sequence[Callable[[str], Filter]] = [
    *(on_city(operator) for operator in get_args(Operator)),
    lambda value: CaseInsensitive("city", value),
    lambda value: Contains("city", value),
]


@ON_ENGINES
@given(text=texts | any_text, value=(texts | any_text).filter(bool), with_text=st.sampled_from(WITH_TEXT))
def test_any_text_is_compared_alike(
    engine: Engine, text: str, value: str, with_text: Callable[[str], Filter]
) -> None:
    filter_ = with_text(value)
    assert on_text(engine, text, filter_) == holds(filter_, {"city": text})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("QUÉBEC", "québec"),
        ("ΟΔΟΣ", "οδος"),
        ("\u212a", "k"),
        ("ſ", "S"),  # noqa: RUF001
        ("ǅ", "ǆ"),
        ("САНКТ-ПЕТЕРБУРГ", "санкт-петербург"),  # noqa: RUF001
    ],
)
def test_case_is_folded_beyond_ascii(engine: Engine, text: str, value: str) -> None:
    assert on_text(engine, text, CaseInsensitive("city", value))


@pytest.mark.parametrize(
    ("text", "value"),
    [("é", "e"), ("ß", "ss"), ("İ", "i"), ("ı", "i"), ("e\u0301", "é")],  # noqa: RUF001
)
def test_what_is_no_case_of_the_same_letter_differs(engine: Engine, text: str, value: str) -> None:
    assert not on_text(engine, text, CaseInsensitive("city", value))


@pytest.mark.parametrize("value", ["%", "_", "a%c", "a_c", "*", "?", "[a]", "\\", "a\\_c"])
def test_nothing_is_a_wildcard(engine: Engine, value: str) -> None:
    assert not on_text(engine, "abc", Contains("city", value))
    assert on_text(engine, f"x{value}y", Contains("city", value))


def test_text_after_a_nul_character_is_searched(engine: Engine) -> None:
    if engine.name == "postgresql":
        pytest.skip("PostgreSQL's text cannot hold the character NUL")
    assert on_text(engine, "abc\0DÉF", Contains("city", "déf"))


def test_the_negative_operators_keep_rows_without_a_value(engine: Engine) -> None:
    rows: list[Row] = [{**dict.fromkeys(KINDS), "id": 1}, {**dict.fromkeys(KINDS), "id": 2, "city": "Paris"}]
    engine.replace(rows)
    for text in (
        "city != 'Paris'",
        "city !~ 'paris'",
        "city !@ 'ari'",
        "city NOT_IN ['Paris']",
        "NOT city == 'Paris'",
    ):
        assert engine.selected(where_clause(filter_from(text, EVENTS), EVENTS, SOURCE)) == {1}, text


def test_nan_is_no_number_above_all_others(engine: Engine) -> None:
    ratios = (math.nan, math.inf, 1e308)
    rows = [
        engine.as_held({**dict.fromkeys(KINDS), "id": number, "ratio": ratio})
        for number, ratio in enumerate(ratios)
    ]
    engine.replace(rows)
    numbers = {row["id"] for row in rows if row["ratio"] in (math.inf, 1e308)}
    assert engine.selected(where_clause(filter_from("ratio > 5", EVENTS), EVENTS, SOURCE)) == numbers


def test_the_largest_unsigned_integer_can_be_compared_with(engine: Engine) -> None:
    rows: list[Row] = [{**dict.fromkeys(KINDS), "id": 1, "natural": 2**63 - 1}]
    engine.replace(rows)
    below = filter_from(f"natural < {2**63}", EVENTS)
    assert engine.selected(where_clause(below, EVENTS, SOURCE)) == {1}


def in_depth(filter_: Filter) -> Filter:
    """As deep as filters get, with more than one symbol on the parser's stack at each level."""
    for level in range(limits.MAX_DEPTH // 2):
        filter_ = Not(
            AnyOf((Comparison("visits", "==", level), AllOf((Comparison("big", ">", level), filter_))))
        )
    return filter_


@pytest.mark.parametrize(
    "filter_",
    [
        AnyOf(tuple(Comparison("visits", "==", number) for number in range(limits.MAX_CONDITIONS))),
        AllOf(tuple(Contains("city", f"É{number}") for number in range(limits.MAX_CONDITIONS))),
        OneOf("visits", tuple(range(limits.MAX_VALUES))),
        OneOf("city", tuple(str(number) for number in range(limits.MAX_VALUES))),
        in_depth(Contains("city", "".join(map(chr, range(0x430, 0x450))))),
        Contains("city", "".join(map(chr, range(0x430, 0x450))) + "".join(chr(0xE0 + n) for n in range(23))),
        Contains(
            "city",
            "".join(chr(0x10428 + n) for n in range(40)) + "".join(chr(0x1E00 + n) for n in range(0, 150)),
        ),
    ],
    ids=["wide", "many searches", "long list", "long list of texts", "deep", "two alphabets", "many letters"],
)
def test_every_engine_bears_a_filter_at_its_limits(engine: Engine, filter_: Filter) -> None:
    rows: list[Row] = [{**dict.fromkeys(KINDS), "id": 1, "city": "x", "visits": 1, "big": 1}]
    assert agree(engine, check(filter_, EVENTS), rows)


@given(filter_=filters)
def test_whatever_is_checked_compiles_on_every_dialect(filter_: Filter) -> None:
    clause = where_clause(check(filter_, EVENTS), EVENTS, SOURCE)
    for dialect in DIALECTS:
        assert str(clause.compile(dialect=dialect))


def test_values_are_bound_and_not_spliced() -> None:
    hostile = "'; drop table events; --"
    clause = where_clause(filter_from(f'city =@ "{hostile}" OR city == "{hostile}"', EVENTS), EVENTS, SOURCE)
    for dialect in DIALECTS:
        assert "drop" not in str(clause.compile(dialect=dialect))


def test_a_statement_compiled_before_takes_new_values(engine: Engine) -> None:
    assert on_text(engine, "É", CaseInsensitive("city", "é"))
    assert on_text(engine, "Ü", CaseInsensitive("city", "ü"))
    assert not on_text(engine, "É", CaseInsensitive("city", "ü"))


class Epoch(sa.TypeDecorator[Any]):
    impl = sa.Integer
    cache_ok = True

    def process_bind_param(self, value: Any, _: sa.Dialect) -> Any:
        return int(value.timestamp())


def test_a_decorated_column_says_how_its_values_are_bound() -> None:
    source = sa.table("events", sa.column("seen", Epoch()))
    clause = where_clause(filter_from("seen >= 1970-01-01T00:01:00Z", EVENTS), EVENTS, source)
    with sa.create_engine("sqlite://").connect() as connection:
        connection.execute(sa.text("create table events (seen integer)"))
        connection.execute(sa.text("insert into events values (59), (60)"))
        assert connection.execute(sa.select(source.c.seen).where(clause)).scalars().all() == [60]


def test_an_enum_of_postgres_is_text(postgres_database: str) -> None:
    database = sa.create_engine(postgres_database, poolclass=sa.NullPool)
    source = sa.table("events", sa.column("city"))
    clause = where_clause(filter_from("city IN ['Paris'] AND city =@ 'PAR'", EVENTS), EVENTS, source)
    with database.begin() as connection:
        connection.execute(sa.text("create type place as enum ('Paris', 'Rome')"))
        connection.execute(sa.text("create table events (city place)"))
        connection.execute(sa.text("insert into events values ('Paris'), ('Rome')"))
        assert connection.execute(sa.select(source.c.city).where(clause)).scalars().all() == ["Paris"]


def test_a_name_not_resolved_has_no_sql() -> None:
    with pytest.raises(ValueError, match=r"\$BOTS cannot become SQL"):
        where_clause(Named("BOTS"), EVENTS, SOURCE)
