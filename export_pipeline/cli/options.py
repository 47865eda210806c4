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
    """Name fields in messages as they are typed: `named(until="--to")`. The error's `field` stays ours."""
    try:
        yield
    except InvalidRequest as error:
        option = options.get(error.field or "")
        text = str(error)
        if option is None or not text.startswith(f"{error.field}: "):
            raise
        raise InvalidRequest(option + text.removeprefix(error.field or ""), field=error.field) from error
