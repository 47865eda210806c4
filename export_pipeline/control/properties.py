"""What is kept with a thing for whoever made it, and given back as it came."""

import json
from collections.abc import Mapping
from typing import Any

from export_pipeline.errors import InvalidRequest

# Room for texts that people write; a row of the control database is no place for files.
MAX_PROPERTIES = 64 * 1024


def check_properties(properties: Mapping[str, Any]) -> None:
    """Refuse what is too long to be kept, or could not be given back as JSON."""
    try:
        size = len(json.dumps(dict(properties), allow_nan=False, ensure_ascii=False).encode())
    except (RecursionError, ValueError) as error:
        raise InvalidRequest(
            "properties: cannot be given back as JSON: it holds a number like NaN or half a character, or is"
            " nested too deep; correct it",
            field="properties",
        ) from error
    if size > MAX_PROPERTIES:
        raise InvalidRequest(
            f"properties: more than {MAX_PROPERTIES:,} bytes would have to be kept; shorten the texts",
            field="properties",
        )
