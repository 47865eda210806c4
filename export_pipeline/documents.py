"""Documents that people hand over: TOML or JSON, in a file or on standard input."""

import json
import sys
import tomllib
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
    except RecursionError:
        problem = "it is nested too deeply"
    else:
        return dict(document)
    # Outside of the handler: the original error carries the text, and that may hold secrets.
    raise InvalidRequest(f"{field}: {source} is neither TOML nor JSON: {problem}", field=field)


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
