"""What is kept with a thing for whoever made it, and given back as it came."""

import json
from collections.abc import Mapping
from typing import Any

from export_pipeline.contributions.schemas import depth_of
from export_pipeline.errors import InvalidRequest

# Room for texts that people write; a row of the control database is no place for files.
MAX_PROPERTIES = 64 * 1024

# What makes answers gives up somewhere beyond two hundred.
DEEPEST = 100


def check_properties(properties: Mapping[str, Any]) -> None:
    """Refuse what is too long to be kept, or could not be given back as JSON."""
    if depth_of(dict(properties), DEEPEST) > DEEPEST:
        raise InvalidRequest(f"properties: nested deeper than {DEEPEST} times; nest less", field="properties")
    try:
        size = len(json.dumps(dict(properties), allow_nan=False, ensure_ascii=False).encode())
    except ValueError as error:
        raise InvalidRequest(
            "properties: cannot be given back as JSON: it holds a number like NaN or half a character;"
            " correct it",
            field="properties",
        ) from error
    if size > MAX_PROPERTIES:
        raise InvalidRequest(
            f"properties: more than {MAX_PROPERTIES:,} bytes would have to be kept; shorten the texts",
            field="properties",
        )
