"""Rows of every kind of value, as the formats' tests need them."""

import io
import math
import struct
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa

from export_pipeline.dataset.tables import Column
from export_pipeline.dataset.types import ColumnType, Kind
from export_pipeline.extract.schema import arrow_schema
from export_pipeline.formats.dialects import DIALECTS, DialectName
from export_pipeline.formats.formatter import Formatter

DECLARED = {kind: "decimal(38,10)" if kind is Kind.DECIMAL else kind.value for kind in Kind}

AWKWARD_TEXTS = [
    "",
    " ",
    "  leading and trailing  ",
    "comma, comma",
    'a "quoted" word',
    '"',
    '""',
    "back\\slash\\",
    "\\n is not a line break",
    "carriage\rreturn",
    "line\nfeed",
    "both\r\n",
    "\n",
    "tab\tand\x0bothers\x01\x1f\x7f",
    "nul\0inside",
    "emoji 😀 and 👩‍👩‍👧",
    "שלום עולם",
    "é\u0301 \u2028 \u0085 \ufeff",
    "NULL",
    "null",
    "NaN",
    "\\N",
    "\\.",
    "'apostrophe'",
    "=1+1",
    "0123",
]

# In a column by themselves: what could be taken for NULL, for no row, or for the end of the data.
LONELY = [None, "", " ", "\t", " \t ", "\\N", "\\.", "NULL", "x", None]

VALUES: Mapping[Kind, Sequence[Any]] = {
    Kind.BOOLEAN: [True, False],
    Kind.INT16: [0, 7, -(2**15), 2**15 - 1],
    Kind.INT32: [0, -7, -(2**31), 2**31 - 1],
    Kind.INT64: [0, 7, -(2**63), 2**63 - 1, 2**53 + 1],
    Kind.UINT64: [0, 7, 2**64 - 1],
    Kind.FLOAT32: [0.0, 1.5, -1.5, 2.0**-149, 2.0**127, float("nan"), float("inf"), float("-inf")],
    Kind.FLOAT64: [
        0.1,
        1e22,
        -1.7976931348623157e308,
        5e-324,
        1 / 3,
        float("nan"),
        float("inf"),
        float("-inf"),
    ],
    Kind.DECIMAL: [
        Decimal("0E-10"),
        Decimal("0.0000000001"),
        Decimal("-0.0000000001"),
        Decimal("12.5"),
        Decimal("9999999999999999999999999999.9999999999"),
        Decimal("-9999999999999999999999999999.9999999999"),
    ],
    Kind.STRING: AWKWARD_TEXTS,
    Kind.BYTES: [b"", b"a", b"ab", b"abc", b"abcd", bytes(range(256)), b"\0\0\0"],
    Kind.DATE: [date(2013, 1, 1), date(1, 1, 1), date(1969, 12, 31), date(2263, 1, 1), date(9999, 12, 31)],
    Kind.TIME: [time(0), time(5, 30), time(23, 59, 59, 999_999)],
    Kind.TIMESTAMP: [
        datetime(2013, 1, 1, 5, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2262, 4, 12, tzinfo=UTC),
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    ],
    Kind.TIMESTAMP_LOCAL: [
        datetime(2013, 1, 1, 5),  # noqa: DTZ001  # a wall clock's reading: it has no zone
        datetime(1, 1, 1),  # noqa: DTZ001
        datetime(9999, 12, 31, 23, 59, 59, 999_999),  # noqa: DTZ001
    ],
    Kind.INTERVAL: ["P1Y2M-3DT4H5M6.5S", "PT0S"],
    Kind.UUID: ["6f1d2c3e-0000-4000-8000-0123456789ab"],
    Kind.JSON: ['{"a": [1, 2.50, "x\\n\\u00e9"], "b": null}', "[]", '"text"', "12345678901234567890", "true"],
}


def a_schema(**declared: str) -> pa.Schema:
    """The schema of a table with these columns."""
    return arrow_schema(
        [
            Column(name=name, display_name=name.title(), type=ColumnType.parse(text))
            for name, text in declared.items()
        ]
    )


def a_batch(schema: pa.Schema, *rows: Mapping[str, Any]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([dict(row) for row in rows], schema)


def one_column(kind: Kind, values: Sequence[Any]) -> pa.RecordBatch:
    """A numbered row for each value, so that no line of a text file is blank."""
    return a_batch(
        a_schema(n="int64", value=DECLARED[kind]),
        *({"n": n, "value": value} for n, value in enumerate(values)),
    )


def every_kind() -> tuple[pa.Schema, pa.RecordBatch]:
    """A column for each kind, going through its values and a NULL."""
    schema = a_schema(**{kind.value: DECLARED[kind] for kind in Kind})
    columns = {kind.value: [*VALUES[kind], None] for kind in Kind}
    most = max(map(len, columns.values()))
    rows = [{name: values[n % len(values)] for name, values in columns.items()} for n in range(most)]
    return schema, a_batch(schema, *rows)


def comparable(kind: Kind, values: Sequence[Any]) -> list[Any]:
    """The values so that `==` means the same number: NaN equals itself, 32-bit floats have 32 bits."""
    if kind is Kind.FLOAT32:
        values = [None if v is None else struct.unpack("f", struct.pack("f", v))[0] for v in values]
    return ["nan" if isinstance(v, float) and math.isnan(v) else v for v in values]


def without_nul(values: Sequence[Any]) -> list[Any]:
    """PostgreSQL has no text with a NUL inside, and pandas' own parser ends a text there."""
    return [value for value in values if not (isinstance(value, str) and "\0" in value)]


def arriving(dialect: DialectName, values: Sequence[Any]) -> list[Any]:
    """The values as the dialect lets them through."""
    if DIALECTS[dialect].keeps_line_breaks:
        return list(values)
    return [v.replace("\r", "").replace("\n", "") if isinstance(v, str) else v for v in values]


def written(file_format: Formatter, schema: pa.Schema, *batches: pa.RecordBatch) -> bytes:
    """The file that the format makes of the rows."""
    sink = io.BytesIO()
    file_format.write(batches, schema, sink)
    return sink.getvalue()
