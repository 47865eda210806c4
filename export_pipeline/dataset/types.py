"""The types a column may be declared with. The declaration decides; nothing is guessed from rows."""

import re
from dataclasses import dataclass
from enum import StrEnum

from export_pipeline.errors import InvalidRequest

MAX_DECIMAL_DIGITS = 38  # what Arrow's decimal128 and the warehouses' NUMERIC hold


class Kind(StrEnum):
    """What a value of a column is, whatever the engine that holds it calls it."""

    BOOLEAN = "boolean"
    INT16 = "int16"
    INT32 = "int32"
    INT64 = "int64"
    UINT64 = "uint64"
    FLOAT32 = "float32"
    FLOAT64 = "float64"
    DECIMAL = "decimal"
    STRING = "string"
    BYTES = "bytes"
    DATE = "date"
    TIME = "time"  # of day, microseconds
    TIMESTAMP = "timestamp"  # an instant, UTC, microseconds
    TIMESTAMP_LOCAL = "timestamp_local"  # a wall clock's reading without a zone, microseconds
    INTERVAL = "interval"  # an ISO 8601 duration: years and months, days, and time are kept apart
    UUID = "uuid"
    JSON = "json"

    @property
    def numeric(self) -> bool:
        return self in NUMERIC

    @property
    def textual(self) -> bool:
        """Whether values are compared and searched as text."""
        return self in (Kind.STRING, Kind.UUID, Kind.JSON)


NUMERIC = frozenset(
    {Kind.INT16, Kind.INT32, Kind.INT64, Kind.UINT64, Kind.FLOAT32, Kind.FLOAT64, Kind.DECIMAL}
)

_DECIMAL = re.compile(r"decimal\(([0-9]{1,4}), *([0-9]{1,4})\)")


@dataclass(frozen=True, slots=True)
class ColumnType:
    """A column's type: its kind and, for decimals, digits in all and digits after the point."""

    kind: Kind
    precision: int | None = None
    scale: int | None = None

    @classmethod
    def parse(cls, text: str) -> "ColumnType":
        """The type a declaration names: `int32`, `timestamp`, `decimal(12,2)`, ..."""
        if match := _DECIMAL.fullmatch(text):
            precision, scale = int(match[1]), int(match[2])
            if not 1 <= precision <= MAX_DECIMAL_DIGITS or scale > precision:
                raise InvalidRequest(f"{text}: a decimal has 1 to 38 digits, no more of them after the point")
            return cls(Kind.DECIMAL, precision, scale)
        if text == Kind.DECIMAL:
            raise InvalidRequest("a decimal needs its digits, like decimal(12,2)")
        try:
            return cls(Kind(text))
        except ValueError as error:
            known = ", ".join("decimal(p,s)" if kind is Kind.DECIMAL else kind for kind in Kind)
            raise InvalidRequest(f"{text!r} is not a type; the types are {known}") from error

    def __str__(self) -> str:
        return f"decimal({self.precision},{self.scale})" if self.kind is Kind.DECIMAL else self.kind.value
