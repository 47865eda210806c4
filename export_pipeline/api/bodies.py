"""Bodies that are JSON whatever their Content-Type says: documents show commands that do not say it."""

import json
from typing import Annotated, Any, NoReturn

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError


async def _object(request: Request) -> dict[str, Any]:
    """The body as a JSON object."""
    try:
        body = json.loads(await request.body(), parse_constant=_refuse)
        # What cannot be written again could not be stored: halves of surrogate pairs, numbers without end.
        json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError) as error:
        said = error.msg if isinstance(error, json.JSONDecodeError) else "it holds what JSON has no place for"
        detail = {"type": "json_invalid", "loc": ("body",), "msg": said, "ctx": {"error": said}}
        problem = RequestValidationError([detail])
    else:
        if isinstance(body, dict):
            return body
        problem = RequestValidationError([{"type": "dict_type", "loc": ("body",), "msg": "no object"}])
    raise problem  # outside of the handler: the original error holds the body


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)


JsonObject = Annotated[dict[str, Any], Depends(_object)]
