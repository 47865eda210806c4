"""Bodies: JSON of any kind, whatever their Content-Type says. No body is an empty object."""

from typing import Annotated, Any

from fastapi import Depends, Request

from export_pipeline.api.bodies import loaded
from export_pipeline.contributions.mistakes import Mistake, Rejected


async def _json(request: Request) -> Any:
    data = await request.body()
    if not data.strip():
        return {}
    try:
        return loaded(data)
    except (ValueError, RecursionError) as error:
        place = getattr(error, "pos", None)
        said = "a number or character that cannot be kept" if place is None else f"at position {place}"
    # Outside of the handler: the original error holds the body.
    raise Rejected([Mistake(name="syntax", reason=f"Unexpected token in JSON: {said}")])


Json = Annotated[Any, Depends(_json)]
