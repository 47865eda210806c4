"""Documents that people hand over: TOML or JSON, in a file or on standard input.

A value `{env = "VARIABLE"}` (in JSON `{"env": "VARIABLE"}`) stands for that environment variable's, so
that secrets need to be neither in files nor in the arguments of a process, which others can see.
"""

import json
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from export_pipeline.errors import InvalidRequest

STANDARD_INPUT = "-"


def read_document(source: str, *, field: str) -> dict[str, Any]:
    """The document in the file `source`, or on standard input. InvalidRequest says what is wrong with it.

    Which of the two languages it is can be seen: only JSON begins with a brace.
    """
    text = read_text(source, field=field)
    try:
        document = json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except ValueError as error:
        problem = str(error)
    else:
        return dict(document)
    # Outside of the handler: the original error carries the text, and that may hold secrets.
    raise InvalidRequest(f"{field}: {source} is neither TOML nor JSON: {problem}", field=field)


def filled(document: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """The document with the values of environment variables in their places."""
    return {name: _filled(value, environ, name) for name, value in document.items()}


def _filled(value: Any, environ: Mapping[str, str], field: str) -> Any:
    match value:
        case {"env": str(variable)} if len(value) == 1:
            if variable not in environ:
                raise InvalidRequest(f"{field}: the environment variable {variable} is not set", field=field)
            return environ[variable]
        case dict():
            return {name: _filled(inner, environ, f"{field}.{name}") for name, inner in value.items()}
        case list():
            return [_filled(inner, environ, f"{field}.{index}") for index, inner in enumerate(value)]
        case _:
            return value


def read_text(source: str, *, field: str) -> str:
    """The text in the file `source`, or on standard input."""
    try:
        data = sys.stdin.buffer.read() if source == STANDARD_INPUT else Path(source).read_bytes()
    except OSError as error:
        raise InvalidRequest(f"{field}: {source} cannot be read: {error.strerror}", field=field) from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        position = error.start
    raise InvalidRequest(f"{field}: {source} is not UTF-8 text (byte {position})", field=field)
