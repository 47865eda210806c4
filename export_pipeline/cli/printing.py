"""What commands print: one JSON document for machines, or tables and sentences for people."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NoReturn

from rich import box
from rich.console import Console
from rich.table import Column, Table

# Where nobody looks, lines are for grep: none is wrapped.
WIDTH_WITHOUT_A_TERMINAL = 10_000

# A person reads the first few and repairs those; `--json` lists every one.
LINES_FOR_PEOPLE = 20


class NobodyReads(Exception):
    """Standard output is closed, by `| head` for example. No failure of ours."""


class Screen(Console):
    """Standard output, as it is now. Nothing in a text is taken for markup."""

    def __init__(self) -> None:
        width = None if sys.stdout.isatty() else WIDTH_WITHOUT_A_TERMINAL
        super().__init__(width=width, markup=False, emoji=False, highlight=False)

    def on_broken_pipe(self) -> NoReturn:
        raise NobodyReads


def a_person_looks() -> bool:
    """Whether standard output is a terminal."""
    return sys.stdout.isatty()


def print_document(document: Mapping[str, object]) -> None:
    """The one JSON document of a command with `--json`."""
    try:
        print(as_json(document), flush=True)
    except BrokenPipeError:
        raise NobodyReads from None


def as_json(document: Mapping[str, object]) -> str:
    """Times are ISO 8601 in UTC, ending in Z."""
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False, default=_in_json)


def print_line(text: str) -> None:
    """A sentence on standard output."""
    Screen().print(text, soft_wrap=True)


def print_note(text: str) -> None:
    """A sentence for people on standard error: standard output may be read by a machine."""
    print(text, file=sys.stderr, flush=True)


def print_table(columns: Sequence[Column | str], rows: Iterable[Sequence[str]]) -> None:
    """A table with a line for each of `rows`."""
    table = Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*row)
    Screen().print(table)


def print_some(lines: Sequence[str]) -> None:
    """The first of many lines, and how many more there are."""
    for line in lines[:LINES_FOR_PEOPLE]:
        print_line(f"  {line}")
    if len(lines) > LINES_FOR_PEOPLE:
        print_line(f"  ... and {len(lines) - LINES_FOR_PEOPLE:,} more; --json lists them all")


def number(header: str) -> Column:
    """A column of numbers."""
    return Column(header, justify="right", no_wrap=True)


def moment(value: datetime | None) -> str:
    """`2013-01-01T05:00:00Z`, as it can be typed again; a dash for none."""
    if value is None:
        return "-"
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def second(value: datetime | None) -> str:
    """When something happened, to the second: nobody types that again."""
    return moment(value.replace(microsecond=0) if value is not None else None)


def _in_json(value: object) -> str:
    if isinstance(value, datetime):
        return moment(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")
