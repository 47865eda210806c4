"""Bodies: JSON of any kind, whatever their Content-Type says. No body is an empty object."""

from typing import Annotated, Any

from fastapi import Depends, Request

from export_pipeline.api.bodies import loaded
from export_pipeline.contributions.mistakes import Mistake, Rejected


def json_of(data: bytes) -> Any:
    """What a body says. Rejected if that is nothing."""
    if not data.strip():
        return {}
    try:
        return loaded(data)
    except (ValueError, RecursionError) as error:
        place = getattr(error, "pos", None)
        said = "a number or character that cannot be kept" if place is None else f"at position {place}"
    # Outside of the handler: the original error holds the body.
    raise Rejected([Mistake(name="syntax", reason=f"Unexpected token in JSON: {said}")])


async def _data(request: Request) -> bytes:
    return await request.body()


async def _json(request: Request) -> Any:
    return json_of(await request.body())


Json = Annotated[Any, Depends(_json)]

# As it came: whoever reads megabytes of JSON does so in a thread, when it is their turn.
Data = Annotated[bytes, Depends(_data)]
