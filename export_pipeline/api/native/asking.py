"""What every request of the native face may say: a body of ours, a page, a condition."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Header, Query, Response
from pydantic import AfterValidator, AwareDatetime, model_validator

from export_pipeline.api.bodies import JsonBody
from export_pipeline.errors import InvalidRequest, PreconditionFailed
from export_pipeline.store.pages import DEFAULT_LIMIT, MAX_LIMIT, PageRequest
from export_pipeline.windows import in_utc


class Asked(JsonBody, extra="forbid"):
    """The body of a request. Its texts can be stored: no database takes all that JSON can spell."""

    @model_validator(mode="before")
    @classmethod
    def _holds_text(cls, data: Any) -> Any:
        if any(not _storable(text) for text in _texts(data)):
            raise ValueError("holds a character that is none (NUL, or half of a pair); leave it out")
        return data


# An instant, as it can be stored and compared.
Moment = Annotated[AwareDatetime, AfterValidator(in_utc)]


def page_asked(
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="how many, at most")] = DEFAULT_LIMIT,
    cursor: Annotated[
        str | None, Query(max_length=2_000, description="what the page before this one calls `next`")
    ] = None,
) -> PageRequest:
    """The page that a request of a list is for."""
    return PageRequest(limit=limit, cursor=cursor)


AskedPage = Annotated[PageRequest, Depends(page_asked)]


@dataclass(frozen=True, slots=True)
class Condition:
    """What has to hold for a change to be made: nothing, or that the thing is as somebody has seen it."""

    if_match: str | None

    def check(self, etag: str) -> None:
        """PreconditionFailed if the thing is not as it was seen."""
        if self.if_match is None or self.if_match.strip() == "*":
            return
        given = [one.strip() for one in self.if_match.split(",")]
        if f"W/{etag}" in given and etag not in given:  # somebody in between made it one
            raise PreconditionFailed(
                "If-Match: a weak ETag holds for no change (RFC 9110); send it without the W/ before it"
            )
        if etag not in given:
            raise PreconditionFailed(
                "If-Match: it was changed since; look at it again, and send the ETag that it has now"
            )


def condition(
    if_match: Annotated[
        str | None,
        Header(description="an ETag: nothing is changed, and 412 answered, unless the thing still has it"),
    ] = None,
) -> Condition:
    """The condition that a request makes."""
    return Condition(if_match)


AskedCondition = Annotated[Condition, Depends(condition)]


def etag_of(*what: object) -> str:
    """Changes with what people may change of a thing, and with nothing that we note of it by ourselves."""
    text = json.dumps(what, sort_keys=True, default=str)
    return f'"{hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:32]}"'


def tagged(response: Response, etag: str, *, location: str | None = None) -> None:
    """Give the answer the thing's ETag, and its address if it is new."""
    response.headers["ETag"] = etag
    if location is not None:
        response.headers["Location"] = location


@contextmanager
def below(field: str, *, but: tuple[str, ...] = ()) -> Iterator[None]:
    """Say of what is wrong that it stands below a field of the body; fields of the body itself are `but`."""
    try:
        yield
    except InvalidRequest as error:
        if error.field is None or error.field in but or error.field.partition(".")[0] == field:
            raise
        raise InvalidRequest(f"{field}.{error}", field=f"{field}.{error.field}") from None


def _texts(data: Any) -> Iterator[str]:
    stack = [data]
    while stack:
        match stack.pop():
            case str() as text:
                yield text
            case dict() as members:
                stack += [*members, *members.values()]
            case list() as items:
                stack += items


def _storable(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)
