"""What Azure's client has read of a refusal, also where it stumbles over how that is told."""

from collections.abc import Iterator
from contextlib import contextmanager

from azure.core.exceptions import HttpResponseError

from export_pipeline.connectors.azure_errors import Refusal
from export_pipeline.connectors.retrying import seconds_of


def refusal_in(error: HttpResponseError) -> Refusal:
    """What an answer other than success says."""
    wait = seconds_of(_field(error, "Retry-After"))
    return Refusal(status=error.status_code or 0, code=code_of(error), wait=wait)


def code_of(error: HttpResponseError) -> str:
    """Azure's word for what went wrong; empty where it has none."""
    code = getattr(error, "error_code", None) or _field(error, "x-ms-error-code")
    return str(getattr(code, "value", code) or "")


@contextmanager
def as_refused() -> Iterator[None]:
    """Raises the refusal itself where the client stumbles over its message: none at all, or no text."""
    try:
        yield
    except TypeError as error:
        refusal = error.__context__
        if isinstance(refusal, AttributeError):  # the client does not know the store's word for it either
            refusal = refusal.__context__
        if not isinstance(refusal, HttpResponseError):
            raise
        raise refusal from None


def _field(error: HttpResponseError, name: str) -> str | None:
    value: str | None = getattr(error.response, "headers", {}).get(name)
    return value
