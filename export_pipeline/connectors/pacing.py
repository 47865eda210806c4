"""Reading back from a store that may be slow, but not without end."""

import time
from collections.abc import Iterable, Iterator

from export_pipeline.errors import TransientFailure

SECONDS_OF_PATIENCE = 300.0
SLOWEST = 10_000  # bytes a second


def paced(
    pieces: Iterable[bytes],
    size: int,
    *,
    seconds: float = SECONDS_OF_PATIENCE,
    slowest: float = SLOWEST,
) -> Iterator[bytes]:
    """The pieces of what should have `size` bytes; of what has more, no more than shows it.

    TransientFailure if that takes longer than `seconds` and the time of the `slowest` store we wait for: each
    piece comes in time on its own, and whoever waits for all of them holds an hour, and a run.
    """
    give_up = time.monotonic() + seconds + size / slowest
    taken = 0
    for piece in pieces:
        taken += len(piece)
        yield piece
        if taken > size:
            return
        if taken < size and time.monotonic() > give_up:
            raise TransientFailure(
                f"of {size:,} bytes the store gave {taken:,} in {seconds + size / slowest:,.0f} s:"
                " look why it is so slow"
            )
