"""SQLite files: a column holds what is put into it, whatever type it was declared with there."""

import math
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
    text_of,
)

# What has more digits than a float is kept as text there.
TYPES: Mapping[Kind, str] = dict.fromkeys(Kind, "text") | {
    Kind.BOOLEAN: "integer",
    Kind.INT16: "integer",
    Kind.INT32: "integer",
    Kind.INT64: "integer",
    Kind.FLOAT32: "real",
    Kind.FLOAT64: "real",
    Kind.BYTES: "blob",
}

SECOND = moment("2013-01-01 05:00")
NATIVES: Sequence[Native] = (
    Native(
        type="text",
        value="'14000000000000000000000'",
        declared="decimal(38,18)",
        arrives=Refused("is none"),
    ),
    Native(type="integer", value="2", declared="boolean", arrives=Refused("declared boolean")),
    Native(type="integer", value="32768", declared="int16", arrives=Refused("declared int16")),
    Native(type="integer", value="12", declared="decimal(12,2)", arrives=Decimal(12)),
    Native(type="real", value="12.25", declared="decimal(12,2)", arrives=Decimal("12.25")),
    Native(type="real", value="0.1 + 0.2", declared="decimal(12,2)", arrives=Refused("declared decimal")),
    Native(
        type="real",
        value="1000000000000000.25",
        declared="decimal(20,4)",
        arrives=Decimal("1000000000000000.25"),
    ),
    Native(type="text", value="'1e2'", declared="decimal(12,2)", arrives=Decimal(100)),
    Native(type="text", value="'1_000'", declared="decimal(12,2)", arrives=Refused("declared decimal")),
    Native(type="text", value="' 12 '", declared="decimal(12,2)", arrives=Refused("declared decimal")),
    Native(type="text", value="char(65297, 65298)", declared="uint64", arrives=Refused("declared uint64")),
    Native(type="boolean", value="1", declared="boolean", arrives=True),
    Native(type="numeric", value="7", declared="uint64", arrives=7),
    Native(type="datetime", value="'2013-01-01T05:00:00Z'", declared="timestamp", arrives=SECOND),
    Native(type="text", value="'2013-01-01 05:00:00+02:00'", declared="timestamp", arrives=Refused("events")),
    Native(type="text", value="'2013-01-01 05:00'", declared="timestamp", arrives=Refused("events")),
    Native(type="text", value="'2013-01-01 24:00:00'", declared="timestamp", arrives=Refused("events")),
    Native(type="integer", value="1356998400", declared="timestamp", arrives=Refused("events")),
    Native(type="text", value="'24:00:00'", declared="time", arrives=Refused("declared time")),
    Native(type="text", value="'2013-02-30'", declared="date", arrives=Refused("declared date")),
    Native(type="text", value="'not JSON'", declared="json", arrives=Refused("no JSON")),
    Native(type="text", value="'P'", declared="interval", arrives=Refused("declared interval")),
    Native(type="text", value="x'ff'", declared="string", arrives=Refused("declared string")),
    Native(type="text", value="cast(x'ff' as text)", declared="string", arrives=Refused("declared string")),
)

SERIES = "with recursive series (i) as (select 0 union all select i + 1 from series where i < 999999)"

LENT: Sequence[Lent] = (
    Lent(type="numeric", declared="int64", values=("0", "1", "-32768", "null")),
    Lent(type="integer", declared="decimal(12,2)", values=("0", "1", "2", "1000", "null")),
    Lent(type="real", declared="decimal(12,2)", values=("0.5", "1", "1000")),
    Lent(type="integer", declared="uint64", values=("0", "1", "2147483647")),
    Lent(type="real", declared="float32", values=("0.1", "0.5", "16777216", "9e999", "-1e30", "null")),
    Lent(type="integer", declared="float64", values=("0", "1", "16777217", "null")),
    Lent(type="datetime", declared="timestamp", values=("'2013-01-01T05:00:00Z'", "'2013-01-02 05:00:00'")),
    Lent(type="varchar(9)", declared="string", values=("'Paris'", "'Paris '", "'paris'", "''", "null")),
    Lent(type="text collate rtrim", declared="string", values=COLLATED),
    Lent(type="text collate nocase", declared="string", values=COLLATED),
    Lent(type="char(32)", declared="uuid", values=("'ABCDEF00000000000000000000000000'",)),
)


@contextmanager
def _open(_: pytest.FixtureRequest, folder: Path) -> Iterator[tuple[str, Run]]:
    url = f"sqlite:///{folder / 'source.sqlite'}"
    with driven(url, _held) as run:
        run("pragma journal_mode = wal", [])
        yield url, run


def _held(value: Any) -> Any:
    return value if isinstance(value, (float, bytes)) else text_of(value)


def _holds(value: Any) -> bool:
    """It keeps NaN as NULL, and zero without a sign."""
    return not (isinstance(value, float) and (math.isnan(value) or str(value) == "-0.0"))


SQLITE = EngineKind(
    name="sqlite",
    mechanism="SQLite read transaction",
    types=TYPES,
    natives=NATIVES,
    lent=LENT,
    holds=_holds,
    ignoring_case="text collate nocase",
    endless="(with recursive r(n) as (select 1 union all select n + 1 from r) select n from r)",
    million=f"{SERIES} select i as id, '2013-01-01 00:30:00' as seen, "
    + ", ".join(f"'text ' || hex((i + {n}) * 2654435761 % 4294967296) as text_{n}" for n in range(18))
    + " from series",
    open=_open,
)
