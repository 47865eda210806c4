"""Rows as a reader got them, made to be exactly what the declaration says: or refused, never changed."""

from collections.abc import Collection, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as is_a

from export_pipeline.dataset.documents import is_json
from export_pipeline.dataset.types import ColumnType, Kind
from export_pipeline.errors import PermanentFailure
from export_pipeline.extract.durations import DURATION

# What Python and every format can say. Outside lie DuckDB's `infinity`, in the year 294247, and its 24:00.
_MOMENTS = datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999_999)  # noqa: DTZ001  # zones are off
_DATES = date(1, 1, 1), date(9999, 12, 31)
_TIMES = time.min, time.max
MOST_DIGITS = 76  # of Arrow's largest decimals

_UUID = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
_UUID_WITHOUT_DASHES = "^([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$"


def fitted(
    columns: Sequence["pa.Array[Any]"], schema: pa.Schema, relation: str, documents: Collection[str] = ()
) -> pa.RecordBatch:
    """The columns as a batch of exactly `schema`. PermanentFailure names the column that does not fit.

    `documents` are columns whose JSON the database vouches for.
    """
    arrays = []
    for column, field in zip(columns, schema, strict=True):
        array = _fitted(column, field, relation)
        if declared_type(field).kind is Kind.JSON and field.name not in documents:
            _check_documents(array, field, relation)
        arrays.append(array)
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def refusal(relation: str, field: "pa.Field[Any]", reason: str) -> PermanentFailure:
    """What is said of a column that does not fit."""
    return PermanentFailure(
        f"{relation}.{field.name} is declared {declared_type(field)}, but {reason};"
        " correct the declaration, or the rows"
    )


def declared_type(field: "pa.Field[Any]") -> ColumnType:
    """The type that a field of `arrow_schema` was declared with."""
    assert field.metadata is not None
    return ColumnType.parse(field.metadata[b"type"].decode())


def _fitted(column: Any, field: "pa.Field[Any]", relation: str) -> "pa.Array[Any]":
    if is_a.is_dictionary(column.type):  # an enumeration: its values are what is meant
        column = column.dictionary_decode()
    if column.null_count and not field.nullable:
        raise refusal(relation, field, "there are NULLs and it is declared not nullable")
    if column.type != field.type:
        if not _same_family(column.type, field.type):
            raise refusal(relation, field, f"the database gives {column.type}")
        try:
            cast = _cast(column, field.type)
        except pa.ArrowInvalid:
            cast = None  # its own message holds the value
        if cast is None:
            raise refusal(relation, field, f"a value of its {column.type} does not fit")
        column = cast
    if declared_type(field).kind is Kind.UUID:
        column = _canonical_uuids(column)
    if declared_type(field).kind is Kind.INTERVAL and not _are_durations(column):
        column = None
    if column is None or not _is_in_range(column):
        raise refusal(relation, field, "a value is none")
    fitting: pa.Array[Any] = column
    return fitting


def _check_documents(column: "pa.Array[Any]", field: "pa.Field[Any]", relation: str) -> None:
    # Each different text is parsed once; rows repeat themselves.
    if not all(text is None or is_json(str(text)) for text in column.unique().to_pylist()):
        raise refusal(relation, field, "a text is no JSON")


def _are_durations(column: Any) -> bool:
    whole = pc.match_substring_regex(column, DURATION)
    some = pc.match_substring_regex(column, "[0-9][A-Z]$")
    return bool(pc.all(pc.and_(whole, some), min_count=0).as_py())


def _cast(column: Any, wanted: pa.DataType) -> Any:
    if is_a.is_float32(wanted):
        return _narrowed(column)
    if is_a.is_integer(column.type) and is_a.is_decimal(wanted):
        # Arrow wants room for every integer of the type, also when those that are there are small.
        column = column.cast(pa.decimal256(20 + wanted.scale, wanted.scale))
    elif is_a.is_decimal128(column.type) and is_a.is_decimal(wanted):
        # In 128 bits a value that is too large would become another that is not.
        column = column.cast(pa.decimal256(MOST_DIGITS, wanted.scale), safe=True)
    return column.cast(wanted, safe=True)


def _narrowed(column: Any) -> Any:
    """64-bit floats as 32-bit ones, if those are the same numbers, or are written the same (0.1)."""
    narrow = column.cast(pa.float32(), safe=False)
    same = pc.equal(narrow.cast(pa.float64()), column)
    written_the_same = pc.equal(narrow.cast(pa.string()).cast(pa.float64()), column)
    fits = pc.or_(pc.or_(same, written_the_same), pc.is_nan(column))
    return narrow if pc.all(fits, min_count=0).as_py() else None


def _canonical_uuids(column: Any) -> Any:
    lowered = pc.ascii_lower(column)
    canonical = pc.replace_substring_regex(lowered, _UUID_WITHOUT_DASHES, r"\1-\2-\3-\4-\5")
    return canonical if pc.all(pc.match_substring_regex(canonical, _UUID), min_count=0).as_py() else None


def _is_in_range(column: Any) -> bool:
    limits: tuple[Any, Any]
    if is_a.is_timestamp(column.type):
        limits = _MOMENTS
        column = column.cast(pa.timestamp(column.type.unit))
    elif is_a.is_date(column.type):
        limits = _DATES
    elif is_a.is_time(column.type):
        limits = _TIMES
    elif is_a.is_decimal(column.type):  # DuckDB's HUGEINT comes as 38 digits, and may have 39
        digits, scale = (9,) * column.type.precision, column.type.scale
        limits = Decimal((1, digits, -scale)), Decimal((0, digits, -scale))
    else:
        return True
    first, last = pa.array(limits, column.type)
    inside = pc.and_(pc.greater_equal(column, first), pc.less_equal(column, last))
    return bool(pc.all(inside, min_count=0).as_py())


def _same_family(given: pa.DataType, wanted: pa.DataType) -> bool:
    """Whether a value of one type can be a value of the other without being read differently."""
    if is_a.is_timestamp(given) and is_a.is_timestamp(wanted):
        return wanted.tz is not None or given.tz is None  # a reading without a zone is taken to be UTC
    if is_a.is_integer(given):
        return bool(is_a.is_integer(wanted) or is_a.is_decimal(wanted))
    return any(
        of_family(given) and of_family(wanted)
        for of_family in (is_a.is_decimal, is_a.is_floating, _is_text, _is_bytes, is_a.is_date, is_a.is_time)
    )


def _is_text(type_: pa.DataType) -> bool:
    return bool(is_a.is_string(type_) or is_a.is_large_string(type_) or is_a.is_string_view(type_))


def _is_bytes(type_: pa.DataType) -> bool:
    return bool(
        is_a.is_binary(type_)
        or is_a.is_large_binary(type_)
        or is_a.is_binary_view(type_)
        or is_a.is_fixed_size_binary(type_)
    )
