"""Options that several commands share, and what they are called in messages."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from export_pipeline.errors import InvalidRequest

# A flag takes no value, so its help names no type of one.
NO_VALUE = ""

Json = Annotated[
    bool, typer.Option("--json", metavar=NO_VALUE, help="Print one JSON document and nothing else.")
]
Yes = Annotated[bool, typer.Option("--yes", metavar=NO_VALUE, help="Do not ask whether that is meant.")]


@contextmanager
def named(**options: str) -> Iterator[None]:
    """Name fields in messages as they are typed: `named(until="--to")`. The error's `field` stays ours.

    A message begins with the fields that it is about, or with one and a place in it (`filter, line 2: ...`);
    what lies within a field (`tables.0.name`) is typed in the field's option.
    """
    try:
        yield
    except InvalidRequest as error:
        begin, colon, rest = str(error).partition(": ")
        fields = begin.split(", ")
        if error.field not in fields:
            raise
        typed = ", ".join(options.get(field.partition(".")[0], field) for field in fields)
        raise InvalidRequest(typed + colon + rest, field=error.field) from error
