"""What has to be done to a file before an engine can take it, and what no statement can mend.

Both are said in the first lines of the statements.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from export_pipeline.formats.compression import Compression
from export_pipeline.formats.layout import CsvLayout, JsonListLayout, Layout, ParquetLayout

READERS: Mapping[Compression, str] = {"none": "cat", "gzip": "gzip -dc", "zstd": "zstd -dc"}
_WRITERS: Mapping[Compression, str] = {"none": "", "gzip": " | gzip -c", "zstd": " | zstd -c"}


@dataclass(frozen=True, slots=True)
class Preparation:
    """A change of a file, exact whatever its values are: why it is needed, and the filter that makes it."""

    reason: str
    filter: str

    def in_place(self, compression: Compression) -> str:
        """Lines of comment that tell how to make the change in a file, once."""
        made = f"{READERS[compression]} FILE | {self.filter}{_WRITERS[compression]} > PREPARED"
        return comment(
            f"{self.reason} Replace each file, once:",
            f"  {made} && mv PREPARED FILE",
        )


# Of the dialect `excel`. A "\ stands for nothing else, so that \ is what remains of it.
_ESCAPED_BY_QUOTE = Preparation(
    'Inside quotes a " stands before each \\, which no reader undoes.', "LC_ALL=C sed 's/\"\\\\/\\\\/g'"
)

# The list has a line for each of its objects, and an object ends in no comma.
_LIST = Preparation(
    "A file is one list, and has to be a line for each object.", "LC_ALL=C sed '1d; $d; s/,$//'"
)


def preparation(layout: Layout, *, lists: bool = False) -> Preparation | None:
    """What a file of this layout needs first; None if nothing. `lists`: the engine reads JSON lists."""
    match layout:
        case CsvLayout() if layout.escape == layout.quote != layout.escaped:
            return _ESCAPED_BY_QUOTE
        case JsonListLayout() if not lists:
            return _LIST
        case _:
            return None


def prepared_in_place(layout: Layout, *, lists: bool = False) -> str:
    """Lines of comment that tell how to prepare the files where they lie; nothing where they need not be."""
    needed = preparation(layout, lists=lists)
    if needed is None or isinstance(layout, ParquetLayout):
        return ""
    return needed.in_place(layout.compression)


def changed_texts(layout: Layout) -> str:
    """Lines of comment on what was done to texts when the files were written."""
    if not isinstance(layout, CsvLayout):
        return ""
    return comment(
        *(["Line breaks were taken out of texts."] if not layout.line_breaks else []),
        *(["Texts that look like formulas have an apostrophe before them."] if layout.defused else []),
    )


def texts_become_null(layout: CsvLayout) -> str:
    """A line of comment, for engines that do not see whether what looks like NULL is quoted."""
    text = f"A text that is {layout.null}" if layout.null else "The empty text"
    return comment(f"{text} becomes NULL.")


def comment(*sentences: str) -> str:
    """A line of comment for each."""
    return "".join(f"-- {sentence}\n" for sentence in sentences)
