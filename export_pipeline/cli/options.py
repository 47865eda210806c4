"""Options that several commands share, and what they are called in messages."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from export_pipeline.errors import InvalidRequest

# A flag takes no value, so its help names no type of one.
NO_VALUE = ""

Json = Annotated[
    bool, typer.Option("--json", metavar=NO_VALUE, help="Print one JSON document and nothing else.")
]
Requests = Annotated[
    bool,
    typer.Option("--requests", metavar=NO_VALUE, help="Those too that were made for requests over the API."),
]
Yes = Annotated[bool, typer.Option("--yes", metavar=NO_VALUE, help="Do not ask whether that is meant.")]


@contextmanager
def named(**options: str) -> Iterator[None]:
    """Name fields in messages as they are typed: `named(until="--to")`. The error's `field` stays ours.

    A message begins with the fields that it is about, or with one and a place in it (`filter, line 2: ...`);
    what lies within a field (`tables.0.name`) is typed in the field's option, unless it has one of its own. A
    name that ends in a dot is for the fields below: `{"format.": "--format-option "}`.
    """
    try:
        yield
    except InvalidRequest as error:
        begin, colon, rest = str(error).partition(": ")
        fields = begin.split(", ")
        if error.field not in fields:
            raise
        typed = ", ".join(_typed(field, options) for field in fields)
        raise InvalidRequest(typed + colon + rest, field=error.field) from error


def _typed(field: str, options: Mapping[str, str]) -> str:
    above, dot, below = field.partition(".")
    if field in options:
        return options[field]
    return options[above + dot] + below if dot and above + dot in options else options.get(above, field)


def named_values(texts: Sequence[str], *, field: str) -> dict[str, Any]:
    """What was typed as `NAME=VALUE`, each name once. A list or an object is typed as JSON."""
    values: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise InvalidRequest(f"{field}: {text!r} is not NAME=VALUE", field=field)
        if name in values:
            raise InvalidRequest(f"{field}: {name} is given twice; give it once", field=field)
        try:
            values[name] = json.loads(value) if value[:1] in ("[", "{") else value
        except ValueError as error:
            raise InvalidRequest(
                f"{field}: {name}: is not JSON ({error}); correct it", field=field
            ) from error
    return values
