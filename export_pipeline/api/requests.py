"""What holds for every request, whichever face it is for: an id, a limit to its size, a line in the log."""

import logging
import re
import time
import traceback
import uuid
from collections.abc import Callable
from pathlib import Path

from fastapi import HTTPException, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from export_pipeline.api.held import Held
from export_pipeline.errors import ExportPipelineError

LOG = logging.getLogger("export_pipeline.api")

REQUEST_ID = "X-Request-ID"

# Definitions, filters and credentials are texts that people write. A batch of 250 records fits as well.
MOST_BYTES = 4 << 20

# Far above what any definition holds. Of millions of values each may be wrong, and to say so of each takes
# gigabytes, and half a minute in which nobody else is served.
MOST_COMMAS = 50_000

# Of all bodies together, until their requests are over: nobody needs a key to send the most of one.
MOST_HELD = 512 << 20

# For all of a body. Four megabytes in it are 70 kB/s.
SECONDS_FOR_A_BODY = 60.0

# What the server's loop says of a connection that the client reset while it was written to.
LOST = "the handler is closed"

# What servers write into their logs, and nobody is answered with.
NOBODY_THERE = 499

# No route reads what is sent with these. It is thrown away, whatever it is, while the answer is on its way.
UNREAD = ("GET", "HEAD")

# All of a body that is not looked at.
NOTHING: Message = {"type": "http.request", "body": b"", "more_body": False}

# Security, for whoever opens an answer in a browser.
FIELDS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}


class EveryRequest:
    """Middleware. The client's own request id is kept where it is one; the log has no address's query, which
    may hold a key. `failed` makes the answer to a request that met a bug of ours. Whoever shows no key that
    is `known` has sent nothing, as far as anybody sees: what is read of a body takes many times its size.
    Below `records` it is asked there, and bodies hold as many values as fit: what a look at those may cost is
    limited there.
    """

    def __init__(
        self,
        app: ASGIApp,
        failed: Callable[[Request], Response],
        records: str,
        *,
        known: Callable[[Request], bool],
        seconds: float = SECONDS_FOR_A_BODY,
        most_held: int = MOST_HELD,
    ) -> None:
        self._app = app
        self._failed = failed
        self._known = known
        self._records = records
        self._held = Held(most=most_held, seconds=seconds)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        id_ = _request_id(Headers(scope=scope))
        scope.setdefault("state", {})["request_id"] = id_
        began = time.monotonic()
        status, commas, started = 500, 0, False
        counted = not scope["path"].startswith(self._records)
        known = not counted

        async def limited() -> Message:
            nonlocal commas, known
            known = known or await run_in_threadpool(self._known, Request(scope))
            if not known:  # it is sent all the same, and many clients read no answer before that
                await body.thrown_away(receive)
                return NOTHING
            message = await body.next(receive)
            if body.answered:
                return message
            commas += message.get("body", b"").count(b",") if counted else 0
            if body.taken > MOST_BYTES or commas > MOST_COMMAS:
                raise HTTPException(413)
            return message

        async def answered(message: Message) -> None:
            nonlocal status, started
            if message["type"] == "http.response.start":
                started = True
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID] = id_
                for name, value in FIELDS.items():
                    headers.setdefault(name, value)
            try:
                await body.answer(send, message)
            except RuntimeError as error:
                if LOST not in str(error):
                    raise
                raise ClientDisconnect from error

        try:
            with self._held.body() as body:
                await self._app(scope, receive if scope["method"] in UNREAD else limited, answered)
        except ClientDisconnect:
            status = status if started else NOBODY_THERE
            LOG.info("request=%s the client has gone", id_)
        except Exception as error:
            if started and (ours := _reason(error)) is not None:
                # The server cuts the connection: without its end no client takes an answer for whole.
                LOG.warning("request=%s the answer broke off: %s", id_, ours)
                return
            # Where, and not what: the text of a library's exception may hold a value of somebody's row.
            LOG.error("request=%s unexpected %s at %s", id_, type(error).__name__, _place(error))  # noqa: TRY400
            if started:
                raise
            await self._failed(Request(scope))(scope, receive, answered)
        finally:
            LOG.info(
                "%s %s %s %.0f ms request=%s key=%s",
                scope["method"],
                scope["path"].encode("unicode_escape").decode(),  # nothing in a path ends the line
                status,
                1000 * (time.monotonic() - began),
                id_,
                scope["state"].get("key_id", "-"),
            )


def _reason(error: BaseException | None) -> ExportPipelineError | None:
    """The error of ours that broke off an answer, if one did: the framework wraps it."""
    while error is not None and not isinstance(error, ExportPipelineError):
        error = error.__cause__
    return error


def _place(error: Exception) -> str:
    """The line that raised it."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(frame.filename).name}:{frame.lineno}"


def _request_id(headers: Headers) -> str:
    given = headers.get(REQUEST_ID, "")
    return given if re.fullmatch(r"[A-Za-z0-9._-]{1,64}", given) else str(uuid.uuid4())
