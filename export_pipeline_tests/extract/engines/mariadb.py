"""MariaDB, for the family: no package of a MySQL server is to be had."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
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
from export_pipeline_tests.servers.mariadb import fresh_mariadb_database

# It has neither instants (a reading is in UTC) nor durations.
TYPES: Mapping[Kind, str] = {
    Kind.BOOLEAN: "boolean",
    Kind.INT16: "smallint",
    Kind.INT32: "int",
    Kind.INT64: "bigint",
    Kind.UINT64: "bigint unsigned",
    Kind.FLOAT32: "float",
    Kind.FLOAT64: "double",
    Kind.DECIMAL: "decimal(38,10)",
    Kind.STRING: "longtext",
    Kind.BYTES: "longblob",
    Kind.DATE: "date",
    Kind.TIME: "time(6)",
    Kind.TIMESTAMP: "datetime(6)",
    Kind.TIMESTAMP_LOCAL: "datetime(6)",
    Kind.INTERVAL: "varchar(50)",
    Kind.UUID: "char(36)",
    Kind.JSON: "json",
}

NATIVES: Sequence[Native] = (
    Native(
        type="decimal(40,0)",
        value="'14000000000000000000000'",
        declared="decimal(38,18)",
        arrives=Refused("does not fit"),
    ),
    Native(type="enum('good', 'bad')", value="'bad'", declared="string", arrives="bad"),
    Native(type="set('a', 'b')", value="'a,b'", declared="string", arrives="a,b"),
    Native(type="char(3)", value="'a'", declared="string", arrives="a"),
    Native(type="varchar(3) character set latin1", value="'é'", declared="string", arrives="é"),
    Native(type="text character set ascii", value="'a?'", declared="string", arrives="a?"),
    Native(
        type="text character set ascii",
        value="_ascii X'613FFF'",
        declared="string",
        arrives=Refused("declared string"),
    ),
    Native(type="varchar(3) character set ucs2", value="'a?é'", declared="string", arrives="a?é"),
    Native(type="point", value="point(1, 2)", declared="string", arrives=Refused("declared string")),
    Native(type="tinyint", value="-128", declared="int16", arrives=-128),
    Native(type="tinyint", value="2", declared="boolean", arrives=Refused("declared boolean")),
    Native(type="bit(1)", value="b'1'", declared="boolean", arrives=True),
    Native(type="mediumint unsigned", value="16777215", declared="int32", arrives=2**24 - 1),
    Native(type="int unsigned", value="4294967295", declared="int64", arrives=2**32 - 1),
    Native(type="int unsigned", value="4294967295", declared="int32", arrives=Refused("declared int32")),
    Native(type="year", value="2013", declared="int16", arrives=2013),
    Native(type="float", value="0.1", declared="float64", arrives=0.10000000149011612),
    Native(type="float", value="16777215", declared="float32", arrives=16777215.0),
    Native(type="double", value="1e300", declared="float32", arrives=Refused("declared float32")),
    Native(type="decimal(65,0)", value="1" + "0" * 40, declared="decimal(38,0)", arrives=Refused("declared")),
    Native(type="binary(3)", value="'a'", declared="bytes", arrives=b"a\0\0"),
    Native(type="varbinary(9)", value="x'00ff'", declared="bytes", arrives=b"\0\xff"),
    Native(type="varbinary(9)", value="'a'", declared="string", arrives=Refused("varbinary")),
    Native(
        type="varbinary(36)",
        value="'123E4567-E89B-12D3-A456-426614174000'",
        declared="uuid",
        arrives="123e4567-e89b-12d3-a456-426614174000",
    ),
    Native(type="blob", value="'[1]'", declared="json", arrives="[1]"),
    Native(type="blob", value="x'22ff22'", declared="json", arrives=Refused("declared json")),
    Native(
        type="uuid",
        value="'123E4567-E89B-12D3-A456-426614174000'",
        declared="uuid",
        arrives="123e4567-e89b-12d3-a456-426614174000",
    ),
    Native(type="inet6", value="'::1'", declared="string", arrives="::1"),
    Native(type="text", value='\'{"a": "b\\\\n"}\'', declared="json", arrives='{"a": "b\\n"}'),
    Native(type="text", value="'not JSON'", declared="json", arrives=Refused("no JSON")),
    Native(
        type="timestamp(6)",
        value="'2013-01-01 05:00:00'",
        declared="timestamp",
        arrives=moment("2013-01-01 05:00"),
    ),
    Native(type="datetime", value="'0000-00-00'", declared="timestamp", arrives=Refused("declared")),
    Native(type="date", value="'2013-02-00'", declared="date", arrives=Refused("declared date")),
    Native(type="date not null", value="'0000-00-00'", declared="date", arrives=Refused("declared date")),
    Native(type="time", value="'-01:00:00'", declared="time", arrives=Refused("declared time")),
    Native(type="time", value="'24:00:00'", declared="time", arrives=Refused("declared time")),
    Native(type="bigint", value="7", declared="string", arrives=Refused("bigint")),
    Native(type="text", value="'7'", declared="int64", arrives=Refused("text")),
    Native(type="varchar(9)", value="'1 day'", declared="interval", arrives=Refused("declared interval")),
)

LENT: Sequence[Lent] = (
    Lent(type="tinyint", declared="int64", values=("0", "1", "-128", "null")),
    Lent(type="bigint", declared="int16", values=("0", "1", "2", "3")),
    Lent(type="year", declared="int32", values=("2001", "2002", "1970", "null")),
    Lent(type="int", declared="decimal(12,2)", values=("0", "1", "2", "1000", "null")),
    Lent(type="bigint", declared="decimal(12,2)", values=("0", "1", "1000", "9999999999")),
    Lent(type="int", declared="uint64", values=("0", "1", "2147483647")),
    Lent(type="decimal(30,0)", declared="uint64", values=("0", "1", "18446744073709551615", "null")),
    Lent(type="decimal(30,10)", declared="decimal(12,2)", values=("0.10", "-0.0100", "1000")),
    Lent(type="float", declared="float64", values=("0.1", "0.5", "1e30", "null")),
    Lent(type="double", declared="float32", values=("0.1", "0.5", "16777216", "-1e30", "null")),
    Lent(type="varchar(9)", declared="string", values=("'Paris'", "'Paris '", "'paris'", "''", "null")),
    Lent(type="varchar(9) collate utf8mb4_unicode_ci", declared="string", values=COLLATED),
    Lent(type="text collate utf8mb4_bin", declared="string", values=COLLATED),
    Lent(
        type="char(9) character set latin1 collate latin1_german2_ci",
        declared="string",
        values=tuple(value for value in COLLATED if value != "'Paris '"),
    ),
    Lent(type="varbinary(36)", declared="uuid", values=("'ABCDEF00-0000-0000-0000-000000000000'", "null")),
    Lent(type="char(32)", declared="uuid", values=("'ABCDEF00000000000000000000000000'",)),
    Lent(type="bit(1)", declared="boolean", values=("b'1'", "b'0'", "null")),
)


@contextmanager
def _open(request: pytest.FixtureRequest, _: Path) -> Iterator[tuple[str, Run]]:
    with (
        fresh_mariadb_database(request.getfixturevalue("mariadb_url")) as url,
        # Lax, as old servers are: it lets in dates that are none.
        driven(f"{url}&init_command=set+sql_mode%3D%27%27", _held) as run,
    ):
        yield url, run


def _held(value: Any) -> Any:
    """Its word for an instant is its reading in UTC."""
    if isinstance(value, datetime) and value.tzinfo:
        return value.astimezone(UTC).replace(tzinfo=None)
    return value


def _holds(value: Any) -> bool:
    """It has neither NaN nor infinities, and zero without a sign."""
    return not (isinstance(value, float) and (not math.isfinite(value) or str(value) == "-0.0"))


MARIADB = EngineKind(
    name="mariadb",
    mechanism="MariaDB consistent snapshot, READ ONLY",
    types=TYPES,
    natives=NATIVES,
    lent=LENT,
    holds=_holds,
    ignoring_case="varchar(50) collate utf8mb4_general_ci",
    endless="(select a.seq + b.seq as n from seq_1_to_999999999 a, seq_1_to_999999999 b) as numbers",
    million="select seq as id, timestamp '2013-01-01 00:30:00' as seen, "
    + ", ".join(f"concat('text ', md5(seq + {n})) as text_{n}" for n in range(18))
    + " from seq_0_to_999999",
    open=_open,
)
