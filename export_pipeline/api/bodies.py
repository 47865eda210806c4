"""Bodies that are JSON whatever their Content-Type says: documents show commands that do not say it."""

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, NoReturn, Self, TypeVar

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ModelWrapValidatorHandler, ValidationError, model_validator

# As JSON is written: behind an even number of backslashes.
NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")

# To tell of tens of thousands takes a second, in which nobody else is served.
MOST_MISTAKES = 1_000

Model = TypeVar("Model", bound=BaseModel)


class JsonBody(BaseModel):
    """What a body says. Of more mistakes in it than anybody reads it is told only how many there are."""

    @model_validator(mode="wrap")
    @classmethod
    def _told(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return handler(data)
        except ValidationError as error:
            if (mistakes := error.error_count()) <= MOST_MISTAKES:
                raise
        raise ValueError(f"holds {mistakes:,} mistakes; correct what it was made by")


async def _object(request: Request) -> dict[str, Any]:
    """The body as a JSON object."""
    try:
        body = loaded(await request.body())
    except (ValueError, RecursionError) as error:
        said = (
            error.msg
            if isinstance(error, json.JSONDecodeError)
            else "it holds a number or character that cannot be kept"
        )
        detail = {"type": "json_invalid", "loc": ("body",), "msg": said, "ctx": {"error": said}}
        problem = RequestValidationError([detail])
    else:
        if isinstance(body, dict):
            return body
        problem = RequestValidationError([{"type": "dict_type", "loc": ("body",), "msg": "no object"}])
    raise problem  # outside of the handler: the original error holds the body


def loaded(data: bytes) -> Any:
    """The value. ValueError when it is none, or cannot be kept: halves of surrogate pairs, numbers without
    end, NULs.
    """
    value = json.loads(data, parse_constant=_refuse)
    if NUL.search(json.dumps(value, ensure_ascii=False, allow_nan=False).encode()):
        raise ValueError(NUL)
    return value


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)


JsonObject = Annotated[dict[str, Any], Depends(_object)]


def read_as(model: type[Model], data: Mapping[str, Any], *above: str) -> Model:
    """What a body, or the part of it below the names `above`, says. RequestValidationError names each field
    that is wrong, and no value.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
    raise RequestValidationError([{**one, "loc": ("body", *above, *one["loc"])} for one in details])
