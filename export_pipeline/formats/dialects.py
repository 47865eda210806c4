r"""Dialects of CSV: what a reader expects, as presets of options.

    rfc4180     the standard; NULL is nothing, the empty text is ""
    excel       inside quotes, " and \ are each preceded by ". No reader undoes that for \ by itself:
                with every "\ replaced by \ the file is rfc4180
    no_newline  line breaks are taken out of the values, so that each record is one line; inside quotes,
                " and \ are each preceded by \
    postgres    PostgreSQL's COPY ... (FORMAT csv, HEADER), also of a single column, whose NULL is a blank
                line; bytes are as bytea takes them
    snowflake   quoted where a \ stands in a text, since outside of quotes Snowflake takes it for an escape
    redshift    NULL is \N, because Redshift's COPY loads nothing as the empty text
    bigquery    NULL is \N, to be named as the null marker

A text that would read as NULL is quoted in all of them. `docs/formats.md` says how each reader is told.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from export_pipeline.formats.text import BytesAs

DialectName = Literal["rfc4180", "excel", "no_newline", "postgres", "snowflake", "redshift", "bigquery"]

# What is quoted: what must be; all but numbers; everything. NULL never is.
Quoting = Literal["minimal", "nonnumeric", "all"]

LineEnd = Literal["crlf", "lf"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """The options of CSV that a dialect presets."""

    delimiter: str = ","
    line_end: LineEnd = "crlf"
    quoting: Quoting = "minimal"
    null: str = ""
    bytes_as: BytesAs = "base64"

    def as_options(self) -> Mapping[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What a reader expects: defaults of options, and what is not open to choice.

    `pairs`: what stands inside quotes for a character that cannot stand there itself: the escape character
    and the character; in the order in which they are replaced. `quoted_for`: characters for which a value
    is quoted that needs no quotes otherwise. `blank_is_null`: the reader takes a blank line for a record,
    and does not skip it.
    """

    defaults: Defaults = Defaults()
    pairs: tuple[str, ...] = ('""',)
    quoted_for: str = ""
    keeps_line_breaks: bool = True
    blank_is_null: bool = False

    @property
    def escape(self) -> str:
        """The character that stands before each of those that cannot stand inside quotes themselves."""
        (character,) = {pair[0] for pair in self.pairs}
        return character

    @property
    def escapes(self) -> Mapping[str, str]:
        """What stands inside quotes for each character that cannot stand there itself."""
        return {pair[1]: pair for pair in self.pairs}


DIALECTS: Mapping[DialectName, Dialect] = {
    "rfc4180": Dialect(),
    "excel": Dialect(pairs=('""', '"\\')),
    "no_newline": Dialect(defaults=Defaults(line_end="lf"), pairs=("\\\\", '\\"'), keeps_line_breaks=False),
    # A \ is quoted for the sake of \. alone, which ends the data in releases before 18.
    "postgres": Dialect(
        defaults=Defaults(line_end="lf", bytes_as="bytea"), quoted_for="\\", blank_is_null=True
    ),
    "snowflake": Dialect(defaults=Defaults(line_end="lf", bytes_as="hex"), quoted_for="\\"),
    "redshift": Dialect(defaults=Defaults(line_end="lf", null="\\N", bytes_as="hex")),
    "bigquery": Dialect(defaults=Defaults(line_end="lf", null="\\N")),
}


def wrong_delimiter(delimiter: str) -> str | None:
    """Why a delimiter cannot be one, and what to do; None when it can."""
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter == "\0":
        return f"{delimiter!r} is not one ASCII character; use one, like ',', ';', '|' or a tab"
    if delimiter in '"\r\n\\':
        return f"{delimiter!r} quotes, escapes or ends a line; use another character, like ';'"
    if delimiter.isalnum() or delimiter in "+-.:":
        return f"{delimiter!r} stands in numbers and times, which are not quoted; use one like ';'"
    return None


def wrong_null(null: str, delimiter: str, dialect: Dialect) -> str | None:
    """Why NULL cannot be spelled so, and what to do; None when it can."""
    for character in (delimiter, '"', *dialect.escapes):
        if character in null:
            return f"{null!r} holds {character!r}, which has a meaning of its own; leave it out, as in NULL"
    if not null.isprintable():
        return f"{null!r} holds a line break or another control character; use a text without it"
    if null.isspace():
        return f"{null!r} is blank, and whoever skips blank lines may lose the row; use a text, like NULL"
    if null.casefold().lstrip("+-") in {"true", "false", "nan", "inf", "infinity"} or _is_numeric(null):
        return f"{null!r} is how a value is written, and NULL would read as one; use another, like NULL"
    return None


def _is_numeric(text: str) -> bool:
    """Whether a number, a date or a time could be spelled so."""
    return text[:1].isdecimal() or (text[:1] in "+-." and text[1:2].isdecimal())
