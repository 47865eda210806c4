"""DuckDB files."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from export_pipeline.dataset.types import Kind
from export_pipeline_tests.extract.engines.engine import (
    COLLATED,
    EngineKind,
    Lent,
    Native,
    Refused,
    Row,
    Run,
    text_of,
    with_marks,
)

TYPES: Mapping[Kind, str] = {
    Kind.BOOLEAN: "boolean",
    Kind.INT16: "smallint",
    Kind.INT32: "integer",
    Kind.INT64: "bigint",
    Kind.UINT64: "ubigint",
    Kind.FLOAT32: "float",
    Kind.FLOAT64: "double",
    Kind.DECIMAL: "decimal(38,10)",
    Kind.STRING: "varchar",
    Kind.BYTES: "blob",
    Kind.DATE: "date",
    Kind.TIME: "time",
    Kind.TIMESTAMP: "timestamptz",
    Kind.TIMESTAMP_LOCAL: "timestamp",
    Kind.INTERVAL: "interval",
    Kind.UUID: "uuid",
    Kind.JSON: "json",
}

MOOD = ("create type mood as enum ('good', 'bad')",)
NOON = datetime(2013, 1, 1, 12, tzinfo=UTC)
NATIVES: Sequence[Native] = (
    Native(
        type="decimal(38,0)",
        value="'14000000000000000000000'",
        declared="decimal(38,18)",
        arrives=Refused("does not fit"),
    ),
    Native(type="mood", value="'bad'", declared="string", arrives="bad", before=MOOD),
    Native(type="tinyint", value="-128", declared="int16", arrives=-128),
    Native(type="uinteger", value="4294967295", declared="int64", arrives=2**32 - 1),
    Native(type="hugeint", value="9" * 38, declared="decimal(38,0)", arrives=Decimal("9" * 38)),
    Native(type="hugeint", value="1" + "0" * 38, declared="decimal(38,0)", arrives=Refused("declared")),
    Native(type="uhugeint", value="7", declared="decimal(38,0)", arrives=Refused("uhugeint")),
    Native(type="decimal(12,2)", value="12.5", declared="decimal(38,10)", arrives=Decimal("12.5")),
    Native(type="bigint", value="32768", declared="int16", arrives=Refused("declared int16")),
    Native(type="integer[]", value="[1, null]", declared="json", arrives="[1,null]"),
    Native(type="varchar[][]", value="[['a\"b'], []]", declared="json", arrives='[["a\\"b"],[]]'),
    Native(type="struct(a integer)", value="{'a': 1}", declared="json", arrives='{"a":1}'),
    Native(type="map(varchar, integer)", value="map {'a': 1}", declared="json", arrives='{"a":1}'),
    Native(type="double[]", value="['nan']", declared="json", arrives=Refused("no JSON")),
    Native(type="varchar", value="'not JSON'", declared="json", arrives=Refused("no JSON")),
    Native(type="integer[]", value="[1]", declared="string", arrives=Refused("events.value")),
    Native(
        type="interval",
        value="to_microseconds(2305843009213693952 + 1000000)",
        declared="interval",
        arrives="PT640511947H14.693952S",
    ),
    Native(type="interval", value="'1 day'", declared="string", arrives=Refused("events.value")),
    Native(type="timestamp_s", value="'2013-01-01 12:00:00'", declared="timestamp", arrives=NOON),
    Native(type="timestamp", value="'2013-01-01 12:00:00'", declared="timestamp", arrives=NOON),
    Native(
        type="timestamp_ns",
        value="'2013-01-01 12:00:00.000000001'",
        declared="timestamp",
        arrives=Refused("does not fit"),
    ),
    Native(type="timestamptz", value="'infinity'", declared="timestamp", arrives=Refused("value is none")),
    Native(type="timestamptz", value="now()", declared="timestamp_local", arrives=Refused("declared")),
    Native(type="date", value="'infinity'", declared="date", arrives=Refused("value is none")),
    Native(type="time", value="'24:00:00'", declared="time", arrives=Refused("value is none")),
    Native(type="timetz", value="'05:00:00+02'", declared="time", arrives=Refused("time zone")),
    Native(type="bit", value="'10101'", declared="bytes", arrives=Refused("bit")),
)

LENT: Sequence[Lent] = (
    Lent(type="utinyint", declared="int64", values=("0", "1", "255", "null")),
    Lent(type="bigint", declared="int16", values=("0", "1", "2", "3")),
    Lent(type="integer", declared="decimal(12,2)", values=("0", "1", "2", "1000", "null")),
    Lent(type="bigint", declared="decimal(12,2)", values=("0", "1", "1000", "9999999999")),
    Lent(type="decimal(38,10)", declared="decimal(12,2)", values=("0.10", "-0.01", "9999999999.99")),
    Lent(type="hugeint", declared="decimal(12,2)", values=("0", "1", "1000", "9999999999")),
    Lent(type="integer", declared="uint64", values=("0", "1", "2147483647")),
    Lent(type="float", declared="float64", values=("0.1", "0.5", "'nan'", "'inf'", "1e30", "null")),
    Lent(type="double", declared="float32", values=("0.1", "0.5", "16777216", "'nan'", "-1e30", "null")),
    Lent(type="timestamp", declared="timestamp", values=("'2013-01-01'", "'2013-01-02 05:00:00.000001'")),
    Lent(type="varchar(9)", declared="string", values=("'Paris'", "'Paris '", "'paris'", "''", "null")),
    Lent(type="varchar collate nocase.noaccent", declared="string", values=COLLATED),
    Lent(type="varchar", declared="uuid", values=("'ABCDEF00000000000000000000000000'",)),
)


@contextmanager
def _open(_: pytest.FixtureRequest, folder: Path) -> Iterator[tuple[str, Run]]:
    file = folder / "source.duckdb"

    def run(statement: str, rows: Sequence[Row]) -> None:
        with duckdb.connect(str(file)) as connection:
            connection.execute("set TimeZone = 'UTC'")
            for row in rows:
                values = [_held(value) for value in row]
                connection.execute(with_marks(statement, "?"), values)
            if not rows:
                connection.execute(statement)

    run("select 1", [])
    yield f"duckdb:///{file}", run


DUCKDB = EngineKind(
    name="duckdb",
    mechanism="DuckDB transaction snapshot",
    types=TYPES,
    natives=NATIVES,
    lent=LENT,
    holds=lambda _: True,
    ignoring_case="varchar collate nocase",
    # In little memory, and without a temporary file.
    endless="(select a.range + b.range as n from range(1000000000) a, range(1000000000) b) as numbers",
    million="select i as id, timestamptz '2013-01-01 00:30:00+00' as seen, "
    + ", ".join(f"'text ' || hash(i + {n})::varchar as text_{n}" for n in range(18))
    + " from range(1000000) t(i)",
    open=_open,
)

_DURATION = re.compile(r"(-?[0-9.]+)([YMDHS])")


def _held(value: Any) -> Any:
    """DuckDB reads no ISO 8601 durations."""
    if isinstance(value, str) and re.fullmatch(r"P[-0-9.YMDTHS]+", value):
        date, _, time = value[1:].partition("T")
        words = {"Y": "years", "M": "months", "D": "days"}, {"H": "hours", "M": "minutes", "S": "seconds"}
        parts = [
            f"{number} {names[unit]}"
            for text, names in zip((date, time), words, strict=True)
            for number, unit in _DURATION.findall(text)
        ]
        return " ".join(parts)
    return text_of(value)
