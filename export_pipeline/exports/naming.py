"""Object keys from path templates: the context variables, and where receipts lie.

A template is text with `$variables`; `$$` is a dollar sign. A name needs no end mark: the longest known
one wins, so `$table_$date` is a table, an underscore and a date.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from export_pipeline.connectors.limits import KeyLimits, shown, text_problem
from export_pipeline.errors import InvalidRequest
from export_pipeline.windows import HourWindow

RECEIPTS_FOLDER = "_receipts"  # readers of folders (Spark, Athena, DuckDB) skip names that begin with `_`
HOUR_PATTERN = "$year-$month-$day-$hour-$minute"  # yyyy-MM-dd-HH-mm


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyContext:
    """What the variables of a template are filled from."""

    organization: str
    export: str
    table: str
    extension: str
    window: HourWindow
    revision: int = 1


@dataclass(frozen=True, slots=True)
class Variable:
    """A context variable: its value, and which parts of the hour one can read off it.

    `varies` says that the value differs from hour to hour (or revision to revision): in its digits alone,
    and not in its length unless it `grows`. Other variables are constant for one table of one export.
    """

    value: Callable[[KeyContext], str]
    tells: frozenset[str] = frozenset()
    varies: bool = True
    grows: bool = False


def _clock(first: int, end: int, *tells: str) -> Variable:
    """A part of the hour's start as ISO 8601 writes it, always of the same length."""
    return Variable(lambda context: context.window.start.isoformat()[first:end], frozenset(tells))


VARIABLES: Mapping[str, Variable] = {
    "organization": Variable(lambda context: context.organization, varies=False),
    "export": Variable(lambda context: context.export, varies=False),
    "table": Variable(lambda context: context.table, varies=False),
    "extension": Variable(lambda context: context.extension, varies=False),
    "year": _clock(0, 4, "year"),
    "month": _clock(5, 7, "month"),
    "day": _clock(8, 10, "day"),
    "hour": _clock(11, 13, "hour"),
    "minute": _clock(14, 16),
    "date": _clock(0, 10, "year", "month", "day"),
    "revision": Variable(lambda context: str(context.revision), grows=True),
}

_TOKEN = re.compile(r"\$(\$|" + "|".join(sorted(VARIABLES, key=len, reverse=True)) + r"|[A-Za-z0-9_.]*)")


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a template: literal text, or a variable by name."""

    text: str
    variable: Variable | None = None


def parts_of(template: str, *, field: str) -> tuple[Part, ...]:
    """The template taken apart. InvalidRequest names an unknown variable and lists the known ones."""
    parts: list[Part] = []
    position = 0
    for token in _TOKEN.finditer(template):
        if token.start() > position:
            parts.append(Part(template[position : token.start()]))
        name = token[1]
        if name == "$":
            parts.append(Part("$"))
        elif name in VARIABLES:
            parts.append(Part(name, VARIABLES[name]))
        else:
            known = ", ".join(f"${known}" for known in VARIABLES)
            raise InvalidRequest(
                f"{field}: ${name} is not a variable; there are {known} ($$ writes a dollar sign)",
                field=field,
            )
        position = token.end()
    if position < len(template):
        parts.append(Part(template[position:]))
    return tuple(parts)


def object_key(template: str, context: KeyContext) -> str:
    """The key of one table's file for one hour."""
    return "".join(
        part.variable.value(context) if part.variable else part.text
        for part in parts_of(template, field="path")
    )


def receipt_key(template: str, context: KeyContext) -> str:
    """The key of the hour's receipt: below the part of the template that no hour and no table changes.

    A customer who grants us one prefix of a bucket thereby grants us its receipts as well.
    """
    fixed = ""
    for part in parts_of(template, field="path"):
        if part.variable and (part.variable.varies or part.text == "table"):
            break
        fixed += part.variable.value(context) if part.variable else part.text
    folder = fixed.rpartition("/")[0]
    name = object_key(f"{RECEIPTS_FOLDER}/$export/{HOUR_PATTERN}.json", context)
    return f"{folder}/{name}" if folder else name


def check_template(template: str, context: KeyContext, *, tables: int, limits: KeyLimits) -> None:
    """Refuse a template that escapes, names nothing, is too long or gives two hours or tables one key.

    `context` is a typical one (any hour); `tables` is the number of tables the export holds; `limits` are
    those of the connector's keys.
    """
    parts = parts_of(template, field="path")
    told = {name for part in parts if part.variable for name in part.variable.tells}
    if missing := [name for name in ("year", "month", "day", "hour") if name not in told]:
        lacking = ", ".join(f"${name}" for name in missing)
        raise InvalidRequest(
            f"path: {template!r} gives several hours the same name; add {lacking}", field="path"
        )
    if tables > 1 and not any(part.variable and part.text == "table" for part in parts):
        raise InvalidRequest(
            f"path: {template!r} gives {tables} tables the same name; add $table", field="path"
        )
    key = object_key(template, context)
    if RECEIPTS_FOLDER in key.split("/"):
        raise InvalidRequest(
            f"path: {RECEIPTS_FOLDER!r} is the folder of the receipts; choose another name", field="path"
        )
    check_key(key, limits)
    check_key(receipt_key(template, context), limits)


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
