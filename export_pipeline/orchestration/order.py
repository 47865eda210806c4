"""What a run is to do, cut into chunks and passed from op to op as small values."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from export_pipeline.windows import HourWindow


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A chunk of hours of one export. Hours found in place since `proven_since` are left alone, or, when
    that is None, hours delivered whenever.
    """

    export_id: str
    hours: tuple[HourWindow, ...]
    proven_since: datetime | None


def cut(order: Order, hours_per_chunk: int) -> Iterator[Order]:
    """The same hours in chunks, in order."""
    for first in range(0, len(order.hours), hours_per_chunk):
        yield Order(
            export_id=order.export_id,
            hours=order.hours[first : first + hours_per_chunk],
            proven_since=order.proven_since,
        )


def windows_of(keys: Sequence[str]) -> tuple[HourWindow, ...]:
    """The hours that partition keys name."""
    return tuple(HourWindow.from_key(key) for key in keys)
