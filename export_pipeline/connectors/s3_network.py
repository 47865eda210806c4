"""How Amazon's client reaches a store whose address the customer names."""

from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ConnectionClosedError, HTTPClientError
from botocore.httpsession import URLLib3Session
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError
from urllib3.poolmanager import PoolManager

from export_pipeline.connectors.confined import (
    LONGEST_ANSWER,
    LONGEST_REFUSAL,
    Confined,
    ConfinedTls,
    is_a_stores,
    unquoted,
)
from export_pipeline.connectors.http_errors import sent_on
from export_pipeline.errors import PermanentFailure

SECONDS_TO_CONNECT = 10
SECONDS_BETWEEN_BYTES = 60

# In which Amazon says where a bucket is, so that the client signs its requests for there.
REGION = "x-amz-bucket-region"


class _Pool(HTTPConnectionPool):
    ConnectionCls = Confined

    def urlopen(self, *arguments: Any, **options: Any) -> Any:
        # What sends us on is an answer as any; with the fields that Amazon's client sends, a 303 is too much
        # for urllib3.
        return super().urlopen(*arguments, **{**options, "redirect": False})


class _TlsPool(_Pool, HTTPSConnectionPool):
    ConnectionCls = ConfinedTls


class ConfinedSession(URLLib3Session):
    """Sends requests to addresses that may be called on, and by no proxy: that would look for itself."""

    _manager: PoolManager

    def __init__(self, *, authorities: str | None) -> None:
        """`authorities` is a file of certificates that are trusted in place of the client's own list."""
        super().__init__(
            verify=authorities or True,  # type: ignore[arg-type]  # the stubs know of no file
            timeout=(SECONDS_TO_CONNECT, SECONDS_BETWEEN_BYTES),  # type: ignore[arg-type]  # nor of two
        )
        self._manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def send(self, request: AWSPreparedRequest) -> AWSResponse:  # type: ignore[override]
        # Nobody is asked for leave to send a body: the client's connections read that on the line themselves,
        # without end. Who refuses the request is heard in the middle of it.
        request.headers.pop("Expect", None)  # type: ignore[attr-defined]  # the stubs lack it
        # Or the client reads the whole answer, however long it is.
        streamed, request.stream_output = request.stream_output, True
        try:
            answer = super().send(request)
        except HTTPClientError as error:
            # The client takes whatever it does not know for the network's fault, and would try again.
            if isinstance(error.__context__, PermanentFailure):
                raise error.__context__ from None
            raise
        if 300 <= answer.status_code < 400 and REGION not in answer.headers:
            # The client would ask there for the bucket's region, be sent on, and ask again, without end.
            answer.raw.close()
            raise sent_on(request.url, answer.headers.get("Location") or "")
        if answer.status_code >= 300:
            _keep(answer, LONGEST_REFUSAL, request)
            answer._content = unquoted(answer.content, request.headers)  # type: ignore[arg-type,attr-defined]
        elif not streamed:
            _keep(answer, LONGEST_ANSWER, request)
            if not is_a_stores(answer.content):
                strange = PermanentFailure("what answers says more than any store does; check the address")
                strange.unheard = True  # and it says a success
                raise strange
        return answer


def _keep(answer: AWSResponse, longest: int, request: AWSPreparedRequest) -> None:
    """Have the answer hold its body, or of a longer one enough to show that it is."""
    kept = bytearray()
    try:
        for piece in answer.raw.stream():
            kept += piece
            if len(kept) > longest:
                answer.raw.close()
                break
    except (HTTPError, OSError) as error:
        raise ConnectionClosedError(error=error, request=request, endpoint_url=request.url) from error
    # As its own property would, which sets no limit.
    answer._content = bytes(kept)  # type: ignore[attr-defined]  # the stubs lack it


def confine(client: Any, *, authorities: str | None) -> None:
    """Have the client of any service send each of its requests so."""
    session = ConfinedSession(authorities=authorities)

    def send(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        return session.send(request)

    client.meta.events.register("before-send", send)
