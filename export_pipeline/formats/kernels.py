"""Arrow's compute kernels, as the formats use them: whole columns at a time.

The published type stubs know only some of what the kernels take (a column with a constant, for
one, they refuse). So the kernels are unchecked behind this door, and typed where they leave it.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import compute

if TYPE_CHECKING:
    Values = pa.Array[Any]
    Text = pa.Array[Any]  # of strings
    Mask = pa.Array[Any]  # of booleans
    Field = pa.Field[Any]
else:
    Values = Text = Mask = pa.Array
    Field = pa.Field

pc: Any = compute

# Beyond any text's length: "to the end" for a kernel that wants a number.
TO_THE_END = 2**31 - 1


def joined(*parts: Text | str, by: str = "", null: str | None = None) -> Text:
    """The parts of each row in one text; `null` stands for a NULL part, else one makes the row NULL."""
    text: Text = (
        pc.binary_join_element_wise(*parts, by)
        if null is None
        else pc.binary_join_element_wise(*parts, by, null_handling="replace", null_replacement=null)
    )
    return text


def chosen(mask: Mask, yes: Text | str | None, no: Text | str | None) -> Text:
    """`yes` where the mask is true, `no` where it is false, NULL where it is NULL."""
    text: Text = pc.if_else(mask, yes, no)
    return text


def spliced(column: Text, start: int, stop: int, text: str) -> Text:
    """Each value with its part from `start` to `stop` (negative: from the end) replaced by `text`."""
    changed: Text = pc.binary_replace_slice(column, start=start, stop=stop, replacement=text)
    return changed


def replaced(column: Text, replacements: Mapping[str, str]) -> Text:
    """Each value with all of the replacements made, one after the other in their order."""
    for what, by in replacements.items():
        column = pc.replace_substring(column, what, by)
    return column


def contents(column: Values) -> memoryview:
    """The bytes of the column's texts, one after another, without a copy; also what lies under NULLs."""
    _, ends, data = column.buffers()
    if ends is None or data is None:
        return memoryview(b"")
    offsets = memoryview(ends).cast("i")
    return memoryview(data)[offsets[column.offset] : offsets[column.offset + len(column)]]
