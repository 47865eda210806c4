"""A float as the 32-bit one that arrives of it, for SQLite, which has 64-bit ones only."""

import struct

# The SQL function that our SQLite connections have.
SINGLE = "single"


def single(value: str | bytes | float | None) -> str | bytes | float | None:
    """The nearest 32-bit float; what is none, or beyond them all, as it is."""
    if not isinstance(value, float):
        return value
    try:
        (nearest,) = struct.unpack("<f", struct.pack("<f", value))
    except OverflowError:
        return value
    return nearest if nearest or not value else value
