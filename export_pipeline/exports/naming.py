"""Object keys from path templates, and where receipts and side files lie.

A template is text with `$variables` (see variables); `$$` is a dollar sign. A name needs no end mark: the
longest known one wins, so `$table_$date` is a table, an underscore and a date.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

from export_pipeline.connectors.limits import KeyLimits, shown, text_problem
from export_pipeline.errors import InvalidRequest
from export_pipeline.exports.file_layout import FileLayout
from export_pipeline.exports.variables import (
    ATTRIBUTES,
    THE_DAY,
    THE_DAY_A_WEEK_LATER,
    VARIABLES,
    KeyContext,
    Variable,
    Varies,
    of_analysis,
)
from export_pipeline.windows import HourWindow

# Readers of folders (Spark, Athena) skip names that begin with `_`.
RECEIPTS_FOLDER = "_receipts"
SIDE_FILES_FOLDER = "_schemas"
DIGITS_OF_VERSION = 12  # of a schema's digest
HOUR_PATTERN = "$year-$month-$day-$hour-$minute"  # yyyy-MM-dd-HH-mm

DIGITS = frozenset("0123456789")

# An hour whose every number has as many digits as it can, and a revision that nobody reaches.
_LONGEST = HourWindow.from_key("2013-12-10-10:00"), 10**9 - 1


def _alternatives(names: Iterable[str]) -> str:
    return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))


# An analysis may be the second of its day: `20210102-2`. Without an attribute after it, that reads as the
# slug `20210102` and two more characters, which comes to the same.
_TOKEN = re.compile(
    rf"""\$(?:
      (?P<dollar>\$)
    | crawl\.(?P<slug>[0-9]{{8}}(?![0-9])(?:-[0-9]+(?=\.(?:{_alternatives(ATTRIBUTES)})))?)
      (?:\.(?P<attribute>{_alternatives(ATTRIBUTES)}))?
    | (?P<no_slug>crawl\.[0-9]{{4,}})
    | (?P<known>{_alternatives(VARIABLES)})
    | (?P<unknown>[A-Za-z0-9_.]*)
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a template: literal text, or a variable by name."""

    text: str
    variable: Variable | None = None

    def filled(self, context: KeyContext) -> str:
        """What the piece comes to."""
        return self.variable.value(context) if self.variable else self.text

    @property
    def varies(self) -> Varies:
        return self.variable.varies if self.variable else Varies.NEVER


def parts_of(template: str, *, field: str) -> tuple[Part, ...]:
    """The template taken apart. InvalidRequest names an unknown variable and lists the known ones."""
    parts: list[Part] = []
    position = 0
    for token in _TOKEN.finditer(template):
        if token.start() > position:
            parts.append(Part(template[position : token.start()]))
        parts.append(_part(token, field))
        position = token.end()
    if position < len(template):
        parts.append(Part(template[position:]))
    return tuple(parts)


def _part(token: re.Match[str], field: str) -> Part:
    name = token[0][1:]
    if token["dollar"]:
        return Part("$")
    if token["slug"]:
        return Part(name, of_analysis(token["slug"], token["attribute"]))
    if token["known"]:
        return Part(name, VARIABLES[name])
    if token["no_slug"]:
        raise InvalidRequest(
            f"{field}: ${name} names no day; an analysis is written like crawl.20210102", field=field
        )
    raise InvalidRequest(
        f"{field}: ${name} is not a variable{_nearest(name)}; there are"
        f" {', '.join(f'${known}' for known in VARIABLES)}, and those that begin with $crawl also of one"
        " analysis, like $crawl.20210102.day ($$ writes a dollar sign)",
        field=field,
    )


def _nearest(name: str) -> str:
    lowered = name.casefold()
    tries = [lowered, lowered.partition(".")[0]]
    near = next((found for one in tries if (found := get_close_matches(one, VARIABLES, n=3))), [])
    return f" (did you mean {' or '.join(f'${known}' for known in near)}?)" if near else ""


def has_variable(template: str, name: str) -> bool:
    """Whether the template's keys differ with that variable's value."""
    return any(part.variable and part.text == name for part in parts_of(template, field="path"))


def object_key(template: str, context: KeyContext) -> str:
    """The key of one table's file for one hour."""
    return "".join(part.filled(context) for part in parts_of(template, field="path"))


def receipt_key(template: str, context: KeyContext) -> str:
    """The key of the hour's receipt."""
    return _beside(template, f"{RECEIPTS_FOLDER}/$export/{HOUR_PATTERN}.json", context)


def side_files_folder(template: str, context: KeyContext, version: str) -> str:
    """The folder of a table's side files for one version of its schema."""
    return _beside(template, f"{SIDE_FILES_FOLDER}/$export/$table-{version}", context)


def _beside(template: str, name: str, context: KeyContext) -> str:
    """The key `name` below the part of the template that no hour and no table changes.

    A customer who grants us one prefix of a bucket thereby grants us receipts and side files as well.
    """
    fixed = ""
    for part in parts_of(template, field="path"):
        if part.varies is not Varies.NEVER or (part.variable and part.text == "table"):
            break
        fixed += part.filled(context)
    folder = fixed.rpartition("/")[0]
    key = object_key(name, context)
    return f"{folder}/{key}" if folder else key


def key_pieces(template: str, context: KeyContext) -> tuple[str, ...]:
    """The pieces of a table's keys between what differs from hour to hour."""
    pieces = [""]
    varied = False
    for part in parts_of(template, field="path"):
        if part.varies is Varies.NEVER:
            pieces[-1] += part.filled(context)
        elif not varied:  # what differs and stands together differs as one
            pieces.append("")
        varied = part.varies is not Varies.NEVER
    return tuple(pieces)


def check_template(
    template: str,
    context: KeyContext,
    *,
    tables: int,
    limits: KeyLimits,
    layout: FileLayout = FileLayout.HOURLY,
) -> None:
    """Refuse a template that escapes, names nothing, is too long or gives two hours or tables one key.

    `context` is a typical one (any hour); `tables` is the number of tables the export holds; `limits` are
    those of the connector's keys. Where a file holds all hours of a task, it need not tell which.
    """
    parts = parts_of(template, field="path")
    if layout is FileLayout.HOURLY:
        _check_tells_the_hour(template, parts, context)
    if tables > 1 and not has_variable(template, "table"):
        raise InvalidRequest(
            f"path: {template!r} gives {tables} tables the same name; add $table", field="path"
        )
    window, revision = _LONGEST
    for one in (context, replace(context, window=window, revision=revision)):
        key = object_key(template, one)
        for ours, whose in (RECEIPTS_FOLDER, "receipts"), (SIDE_FILES_FOLDER, "side files"):
            if ours in key.casefold().split("/"):
                raise InvalidRequest(
                    f"path: {ours!r} is the folder of the {whose}; choose another name", field="path"
                )
        check_key(key, limits)
        check_key(receipt_key(template, one), limits)


def _check_tells_the_hour(template: str, parts: Sequence[Part], context: KeyContext) -> None:
    """Refuse a template off whose keys the hour cannot be read.

    Two keys differ in digits alone, so both fall into the same runs of digits, one for one. Where no more
    than one number of a run varies in length, the run's length says how long it is, and each of its numbers
    can be read. `$crawl.month$crawl.day` is 111 on the 11th of January and on the 1st of November.
    """
    meeting = tuple(_meeting(parts, context))
    told = {
        name
        for part, runs in _runs(parts, context)
        if part.variable and not any(runs & met for met, _ in meeting)
        for name in part.variable.tells
    }
    if told >= THE_DAY_A_WEEK_LATER:
        told |= THE_DAY
    missing = [name for name in ("year", "month", "day", "hour") if name not in told]
    if missing and meeting:
        _, names = meeting[0]
        raise InvalidRequest(
            f"path: {template!r} gives several hours the same name, because numbers of varying length meet:"
            f" {', '.join(f'${name}' for name in names)}; put something that is no digit between them, or"
            " take the variables of a fixed length",
            field="path",
        )
    if missing:
        lacking = ", ".join(f"${name}" for name in missing)
        raise InvalidRequest(
            f"path: {template!r} gives several hours the same name; add {lacking}", field="path"
        )


def _runs(parts: Sequence[Part], context: KeyContext) -> Iterator[tuple[Part, frozenset[int]]]:
    """Each part with the runs of digits in which it stands, by number; some may be empty."""
    run = 0
    for part in parts:
        first = run
        run += sum(character not in DIGITS for character in part.filled(context))
        yield part, frozenset(range(first, run + 1))


def _meeting(parts: Sequence[Part], context: KeyContext) -> Iterator[tuple[frozenset[int], Sequence[str]]]:
    """The runs in which several different numbers vary in length, and those numbers' names."""
    names: dict[frozenset[int], dict[str, None]] = {}
    for part, runs in _runs(parts, context):
        if part.varies.in_length:
            names.setdefault(runs, {})[part.text] = None
    yield from ((runs, tuple(met)) for runs, met in names.items() if len(met) > 1)


def check_key(key: str, limits: KeyLimits) -> None:
    """Refuse a key that leaves its folder, names nothing, or that the store would not take."""
    segments = key.split("/")
    if key.startswith("/"):
        raise InvalidRequest(f"path: {shown(key)} starts with a slash; paths are relative", field="path")
    if any(segment in ("", ".", "..") for segment in segments):
        raise InvalidRequest(
            f"path: {shown(key)} holds an empty, '.' or '..' part; give every folder and the file a name",
            field="path",
        )
    if "\\" in key:
        raise InvalidRequest(f"path: {shown(key)} holds a backslash; folders end in a slash", field="path")
    if problem := text_problem(key) or limits.problem(key):
        raise InvalidRequest(
            f"path: {shown(key)} cannot be an object's key on this connector: {problem}", field="path"
        )
