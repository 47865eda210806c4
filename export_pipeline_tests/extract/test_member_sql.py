"""PostgreSQL computes of members what our functions for SQLite do."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from export_pipeline.dataset.types import Kind
from export_pipeline.extract.member_sql import Member, member, merged, remaining, unfit
from export_pipeline.extract.members import FUNCTIONS

KINDS = [Kind.STRING, Kind.INT64, Kind.FLOAT64, Kind.BOOLEAN, Kind.DATE, Kind.TIMESTAMP, Kind.JSON]
MEMBERS = [
    *(Member(name=f"a_{kind.value}", path=("a",), kind=kind) for kind in KINDS),
    *(Member(name=f"b.c_{kind.value}", path=("b", "c"), kind=kind) for kind in KINDS),
]
NAMED = {"a": None, "b": {"c": None, "d": {"e": None}}}

# Texts as PostgreSQL keeps them.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)
days = st.dates().map(date.isoformat) | st.sampled_from(
    ["2024-02-29", "2023-02-29", "1900-02-29", "2000-02-29", "2024-04-31", "0000-01-01", "2024-1-1"]
)
clocks = st.from_regex(
    r"\A([01][0-9]|2[0-5]):[0-6][0-9]:[0-6][0-9](\.[0-9]{1,7}0{0,2})?(Z|z|[+-][01][0-9]:[0-9]{2})?\Z"
)
moments = st.builds(lambda day, t, clock: f"{day}{t}{clock}", days, st.sampled_from("Tt "), clocks)
numbers = (
    st.integers()
    | st.integers(min_value=-(2**70), max_value=2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.integers(-(2**54), 2**54).map(float)
)
leaves = st.none() | st.booleans() | numbers | texts | days | moments
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abcdeé"), inner),
    max_leaves=6,
)
documents = st.dictionaries(st.sampled_from("abcé"), values) | st.fixed_dictionaries(
    {"a": leaves, "b": st.dictionaries(st.sampled_from("cdx"), values)}
)


@pytest.fixture(scope="module")
def postgres(postgres_url: str) -> Iterator[sa.Connection]:
    engine = sa.create_engine(postgres_url)
    with engine.connect() as connection:
        connection.exec_driver_sql("SET TIME ZONE 'UTC'; SET extra_float_digits = 1")
        yield connection
    engine.dispose()


@pytest.fixture(scope="module")
def sqlite() -> Iterator[sa.Connection]:
    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(":memory:")
        for name, parts, function in FUNCTIONS:
            connection.create_function(name, parts, function, deterministic=True)
        return connection

    engine = sa.create_engine("sqlite://", creator=connect)
    with closing(engine.connect()) as connection:
        yield connection
    engine.dispose()


def computed(connection: sa.Connection, document: Any, answer: Any) -> dict[str, Any]:
    texts = (None if part is None else json.dumps(part) for part in (document, answer))
    parts = [sa.bindparam(None, text, sa.Text()) for text in texts]
    whole = merged(*parts)
    asked = sa.select(
        sa.cast(whole, sa.Text()).label("merged"),
        remaining(whole, NAMED).label("remaining"),
        unfit(whole, MEMBERS).label("unfit"),
        *(member(whole, one).label(one.name) for one in MEMBERS),
    )
    found = connection.execute(asked).one()._mapping
    return {name: _comparable(name, value) for name, value in found.items()}


def _comparable(name: str, value: Any) -> Any:
    """In one form, whatever the driver makes of it."""
    match value:
        case datetime():
            return value.replace(tzinfo=None).isoformat(" ", "microseconds")
        case date():
            return value.isoformat()
        case bool():
            return int(value)
        case str() if name.endswith(("json", "merged", "remaining")):
            return json.loads(value, parse_float=Decimal, parse_int=Decimal)
        case _:
            return value


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(document=documents, answer=st.none() | documents)
@example(document={"a": 1e308, "b": {"c": 5e-324}}, answer=None)
@example(document={"a": 1e-320, "b": {"c": -2.5e-310}}, answer=None)
@example(document={"a": "0001-01-01T00:00:00+15:59", "b": {"c": "9999-12-31T23:59:59-00:01"}}, answer=None)
@example(document={"a": "0001-01-01T00:00:00Z", "b": {"c": "9999-12-31T23:59:59.999999Z"}}, answer=None)
@example(document={"a": 10**400, "b": {"c": -0.0}}, answer=None)
@example(document={"a": "'%(x)s :y", "b": {"c": 2**60}}, answer={"b": [1]})
def test_both_engines_mean_the_same(
    sqlite: sa.Connection, postgres: sa.Connection, document: Any, answer: Any
) -> None:
    assert computed(postgres, document, answer) == computed(sqlite, document, answer)


def test_a_document_that_is_missing_has_no_members(sqlite: sa.Connection, postgres: sa.Connection) -> None:
    for connection in (sqlite, postgres):
        found = computed(connection, None, None)
        assert {name for name, value in found.items() if value} == set()
