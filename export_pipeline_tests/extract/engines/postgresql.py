"""PostgreSQL."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from export_pipeline.dataset.types import Kind
from export_pipeline_tests.builders import moment
from export_pipeline_tests.extract.engines.engine import (
    COLLATED,
    EngineKind,
    Lent,
    Native,
    Refused,
    Run,
    driven,
)
from export_pipeline_tests.servers.postgres import fresh_database

TYPES: Mapping[Kind, str] = {
    Kind.BOOLEAN: "boolean",
    Kind.INT16: "smallint",
    Kind.INT32: "integer",
    Kind.INT64: "bigint",
    Kind.UINT64: "numeric(20,0)",
    Kind.FLOAT32: "real",
    Kind.FLOAT64: "double precision",
    Kind.DECIMAL: "numeric(38,10)",
    Kind.STRING: "text",
    Kind.BYTES: "bytea",
    Kind.DATE: "date",
    Kind.TIME: "time",
    Kind.TIMESTAMP: "timestamptz",
    Kind.TIMESTAMP_LOCAL: "timestamp",
    Kind.INTERVAL: "interval",
    Kind.UUID: "uuid",
    Kind.JSON: "json",
}

MOOD = ("create type mood as enum ('good', 'bad')",)
PLACE = ("create type place as (name text, floor integer)",)
DOMAIN = ("create domain minutes as smallint check (value >= 0)",)
NATIVES: Sequence[Native] = (
    Native(
        type="numeric",
        value="'14000000000000000000000'",
        declared="decimal(38,18)",
        arrives=Refused("does not fit"),
    ),
    Native(type="mood", value="'bad'", declared="string", arrives="bad", before=MOOD),
    Native(type="minutes", value="90", declared="int16", arrives=90, before=DOMAIN),
    Native(type="varchar(9)", value="'a '", declared="string", arrives="a "),
    Native(type="char(3)", value="'a'", declared="string", arrives="a  "),
    Native(type="inet", value="'10.0.0.1/8'", declared="string", arrives="10.0.0.1/8"),
    Native(type="int4range", value="'[1,5)'", declared="string", arrives="[1,5)"),
    Native(type="bit(3)", value="'101'", declared="string", arrives="101"),
    Native(type="jsonb", value='\'{"b": 1.50, "a": 2}\'', declared="json", arrives='{"a": 2, "b": 1.50}'),
    Native(type="text", value="'{\"b\": 1}'", declared="json", arrives='{"b": 1}'),
    Native(type="text", value="'not JSON'", declared="json", arrives=Refused("no JSON")),
    Native(type="integer[]", value="'{1,null,3}'", declared="json", arrives="[1,null,3]"),
    Native(type="numeric[]", value="'{1.50,NaN}'", declared="json", arrives='[1.50,"NaN"]'),
    Native(type="text[][]", value='\'{{a,"b\\"c"}}\'', declared="json", arrives='[["a","b\\"c"]]'),
    Native(
        type="timestamptz[]",
        value="array[timestamptz '2013-01-01 05:00:00+02']",
        declared="json",
        arrives='["2013-01-01T03:00:00+00:00"]',
    ),
    Native(
        type="place", value="row('x', 1)", declared="json", arrives='{"name":"x","floor":1}', before=PLACE
    ),
    Native(type="integer[]", value="'{1}'", declared="string", arrives=Refused("integer[]")),
    Native(type="numeric", value="12.500", declared="decimal(4,2)", arrives=Decimal("12.5")),
    Native(type="numeric", value="12.501", declared="decimal(12,2)", arrives=Refused("declared decimal")),
    Native(type="numeric", value="'NaN'", declared="decimal(12,2)", arrives=Refused("declared decimal")),
    Native(type="numeric", value="1e40", declared="decimal(38,0)", arrives=Refused("declared decimal")),
    Native(type="numeric", value="18446744073709551615.0", declared="uint64", arrives=2**64 - 1),
    Native(type="numeric", value="-1", declared="uint64", arrives=Refused("declared uint64")),
    Native(type="bigint", value="12", declared="decimal(12,2)", arrives=Decimal(12)),
    Native(type="bigint", value="32768", declared="int16", arrives=Refused("declared int16")),
    Native(type="bigint", value="7", declared="string", arrives=Refused("bigint")),
    Native(type="text", value="'7'", declared="int64", arrives=Refused("text")),
    Native(type="real", value="0.1", declared="float64", arrives=0.10000000149011612),
    Native(type="double precision", value="0.5", declared="float32", arrives=0.5),
    Native(type="double precision", value="1e300", declared="float32", arrives=Refused("declared float32")),
    Native(type="oid", value="7", declared="decimal(12,2)", arrives=Decimal(7)),
    Native(type="oid", value="7", declared="uint64", arrives=7),
    Native(
        type="point", value="'(1,2)'", declared="decimal(12,2)", arrives=Refused("events.value is declared")
    ),
    Native(type="point", value="'(1,2)'", declared="uint64", arrives=Refused("events.value is declared")),
    Native(type="point", value="'(1,2)'", declared="float64", arrives=Refused("events.value is declared")),
    Native(type="point", value="'(1,2)'", declared="timestamp", arrives=Refused("events.value is declared")),
    Native(type="point", value="'(1,2)'", declared="bytes", arrives=Refused("events.value is declared")),
    Native(type="money", value="1", declared="string", arrives=Refused("money")),
    Native(type="timetz", value="'05:00:00+02'", declared="time", arrives=Refused("time zone")),
    Native(type="time", value="'24:00:00'", declared="time", arrives=Refused("declared time")),
    Native(type="date", value="'infinity'", declared="date", arrives=Refused("declared date")),
    Native(type="date", value="'0044-03-15 BC'", declared="date", arrives=Refused("declared date")),
    Native(type="timestamptz", value="'-infinity'", declared="timestamp", arrives=Refused("declared")),
    Native(type="timestamptz", value="'12013-01-01'", declared="timestamp", arrives=Refused("declared")),
    Native(type="timestamptz", value="now()", declared="timestamp_local", arrives=Refused("with time zone")),
    Native(
        type="timestamp",
        value="'2013-01-01 05:00:00'",
        declared="timestamp",
        arrives=moment("2013-01-01 05:00"),
    ),
    Native(type="interval", value="'-1 mon 26 hours'", declared="interval", arrives="P-1MT26H"),
    Native(type="interval", value="'1 day'", declared="string", arrives=Refused("interval")),
)

LENT: Sequence[Lent] = (
    Lent(type="smallint", declared="int64", values=("0", "1", "-32768", "null")),
    Lent(type="bigint", declared="int16", values=("0", "1", "2", "3")),
    Lent(type="integer", declared="decimal(12,2)", values=("0", "1", "2", "1000", "null")),
    Lent(type="bigint", declared="decimal(12,2)", values=("0", "1", "1000", "9999999999")),
    Lent(type="integer", declared="uint64", values=("0", "1", "2147483647")),
    Lent(type="numeric", declared="uint64", values=("0", "1.0", "18446744073709551615", "null")),
    Lent(type="numeric", declared="decimal(12,2)", values=("0.10", "0.1", "-0.0100", "1000")),
    Lent(type="real", declared="float64", values=("0.1", "0.5", "'NaN'", "'Infinity'", "1e30", "null")),
    Lent(
        type="double precision",
        declared="float32",
        values=("0.1", "0.5", "16777216", "'NaN'", "'-Infinity'", "-1e30", "1e-45", "null"),
    ),
    Lent(type="timestamp", declared="timestamp", values=("'2013-01-01'", "'2013-01-02 05:00:00.000001'")),
    Lent(type="varchar(9)", declared="string", values=("'Paris'", "'Paris '", "'paris'", "''", "null")),
    Lent(type="citext", declared="string", values=COLLATED, before=("create extension citext",)),
    Lent(type="text", declared="uuid", values=("'ABCDEF00000000000000000000000000'",)),
)


@contextmanager
def _open(request: pytest.FixtureRequest, _: Path) -> Iterator[tuple[str, Run]]:
    with fresh_database(request.getfixturevalue("postgres_url")) as url, driven(url, lambda v: v) as run:
        yield url, run


def _holds(value: Any) -> bool:
    return not (isinstance(value, str) and "\0" in value)


POSTGRESQL = EngineKind(
    name="postgresql",
    mechanism="PostgreSQL REPEATABLE READ, READ ONLY",
    types=TYPES,
    natives=NATIVES,
    lent=LENT,
    holds=_holds,
    ignoring_case="text",
    endless="(select a::bigint + b as n from generate_series(1, 9999) a, generate_series(1, 9999) b,"
    " generate_series(1, 9999)) as numbers",
    million="select i as id, timestamptz '2013-01-01 00:30:00+00' as seen, "
    + ", ".join(f"'text ' || md5((i + {n})::text) as text_{n}" for n in range(18))
    + " from generate_series(0, 999999) i",
    open=_open,
)
