"""Creations that are made once, however often they are asked for: by the client's Idempotency-Key.

The place of an answer is taken in the transaction that makes the thing: who asks at the same time waits for
that, and is given its answer. What is refused leaves nothing behind, and may be asked for again.
"""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeVar

import sqlalchemy as sa
from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel

from export_pipeline.api.visits import Visit, presented
from export_pipeline.errors import AlreadyExists
from export_pipeline.store.answers import keep_answer, kept_answer, take_place
from export_pipeline.store.database import writing

D = TypeVar("D", bound=BaseModel)

# Tells whoever looks at the answer that an earlier request has made the thing.
AGAIN = "Idempotent-Replayed"


@dataclass(frozen=True, slots=True)
class Once:
    """A creation that is asked for: `key` is the client's name for it, if it gave one.

    `digest` tells it from others, and nobody without the API key can tell what it is of: bodies hold secrets.
    """

    key: str | None
    digest: str

    def made(
        self,
        visit: Visit,
        response: Response,
        make: Callable[[sa.Connection], D],
        kind: type[D],
        *,
        shown_once: bool = False,
    ) -> D:
        """What `make` makes, or has made for the same request before; one transaction.

        `shown_once`: the answer holds a secret, which is not kept, and so the request is not answered again.
        """
        control = visit.deployment.control
        if self.key is None:
            with writing(control) as connection:
                return make(connection)
        now = datetime.now(UTC)
        since = now - timedelta(hours=visit.deployment.settings.answer_hours)
        place = visit.caller.key.id, visit.organization, self.key
        with writing(control) as connection:
            if take_place(connection, *place, digest=self.digest, now=now, since=since):
                made = make(connection)
                keep_answer(connection, *place, None if shown_once else made.model_dump_json())
                return made
            kept = kept_answer(connection, *place, since=since)
        if kept is None or kept.digest != self.digest:
            raise AlreadyExists(
                f"Idempotency-Key: {self.key!r} was used for another request; use a new one for each"
            )
        if kept.answer is None:
            raise AlreadyExists(
                f"Idempotency-Key: {self.key!r}: it was made by an earlier request, whose answer held what is"
                " shown once; look for it in the list, and replace or rotate it if that answer was lost"
            )
        response.headers[AGAIN] = "true"
        return kind.model_validate_json(kept.answer)


async def once(
    request: Request,
    idempotency_key: Annotated[
        str | None,
        Header(
            pattern=r"^[\x21-\x7e]{1,255}$",
            description="your own name for this request: sent again with it within 24 hours, or what"
            " else the operator has set, it makes nothing more and is answered as the first time",
        ),
    ] = None,
) -> Once:
    """The creation that a request asks for."""
    if idempotency_key is None:
        return Once(None, "")
    secret = (presented(request) or "").encode(errors="surrogatepass")
    asked = f"{request.method} {request.url.path}\n".encode() + await request.body()
    return Once(idempotency_key, hmac.new(secret, asked, hashlib.sha256).hexdigest())


AskedOnce = Annotated[Once, Depends(once)]
