"""How the records of a CSV file are spelled, all options decided: whole columns at a time."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from export_pipeline.dataset.types import Kind
from export_pipeline.formats.dialects import Dialect, Quoting
from export_pipeline.formats.kernels import Field, Text, Values, chosen, contents, joined, pc
from export_pipeline.formats.text import BytesAs, Characters, declared_kind, escaped, text_of

LINE_BREAKS = Characters("\r\n")

# What makes a spreadsheet take a cell for a formula: = + - @, control characters before them, and the
# full-width forms. An apostrophe before it says that the cell is text. Of others it would make other values,
# for nothing: base64 that begins with + can call no function, and of JSON only numbers begin with a minus.
FORMULA = "^[=+@\\-\t\r\n\\x00\uff1d\uff0b\uff0d\uff20]"
DEFUSED_BY = "'"

# In a file of one column the line of such a text would be blank to who skips blank lines (pandas does).
BLANK = "^[ \t]+$"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelling:
    """Values to fields, fields to records."""

    dialect: Dialect
    delimiter: str
    line_end: str
    quoting: Quoting
    null: str
    bytes_as: BytesAs
    defuse_formulas: bool

    def header(self, names: Sequence[str]) -> bytes:
        """The record of the columns' names: texts like others, but for `bytes_as`."""
        fields = self._text_fields(
            pa.array(names, pa.string()), defused=self.defuse_formulas, alone=len(names) == 1
        )
        return (self.delimiter.join(map(str, fields)) + self.line_end).encode()

    def records(self, block: pa.RecordBatch) -> memoryview:
        """The block's rows."""
        alone = block.num_columns == 1
        columns = [
            self._fields(column, field, alone=alone)
            for column, field in zip(block.columns, block.schema, strict=True)
        ]
        null = self.null
        if alone and not null and not self.dialect.blank_is_null:
            # The line would be blank, and most readers skip blank lines: a lost row is worse than a NULL
            # that is read as an empty text.
            null = '""'
        columns[-1] = joined(columns[-1], self.line_end, null=null)
        return contents(joined(*columns, by=self.delimiter, null=null))

    def _fields(self, column: Values, field: Field, *, alone: bool) -> Text:
        text = text_of(column, field, bytes_as=self.bytes_as)
        if pa.types.is_string(column.type) or pa.types.is_binary(column.type):
            is_text = declared_kind(field) is Kind.STRING
            return self._text_fields(text, defused=self.defuse_formulas and is_text, alone=alone)
        # Numbers, booleans and times hold nothing that needs quotes, and are never empty.
        bare = self.quoting == "minimal" or (self.quoting == "nonnumeric" and declared_kind(field).numeric)
        return text if bare else joined('"', text, '"')

    def _text_fields(self, column: Text, *, defused: bool, alone: bool) -> Text:
        if not self.dialect.keeps_line_breaks:
            column = escaped(column, {"\r": "", "\n": ""}, LINE_BREAKS.occurring(column))
        if defused:
            is_formula = pc.match_substring_regex(column, FORMULA)
            column = chosen(is_formula, joined(DEFUSED_BY, column), column)
        occurring = self._awkward.occurring(column)
        if self.quoting != "minimal":
            return self._quoted(column, occurring)
        must = pc.equal(pc.binary_length(column), 0)
        if alone:
            must = pc.or_(must, pc.match_substring_regex(column, BLANK))
        if self.null:
            must = pc.or_(must, pc.equal(column, self.null))
        if occurring:
            must = pc.or_(must, self._awkward.within(column))
        if not pc.any(must).as_py():
            return column
        return chosen(must, self._quoted(column, occurring), column)

    def _quoted(self, column: Text, occurring: frozenset[str]) -> Text:
        return joined('"', escaped(column, self.dialect.escapes, occurring), '"')

    @property
    def _awkward(self) -> Characters:
        """The characters that a value without quotes cannot hold."""
        characters = [self.delimiter, '"', "\r", "\n", *self.dialect.escapes, *self.dialect.quoted_for]
        return Characters("".join(dict.fromkeys(characters)))
