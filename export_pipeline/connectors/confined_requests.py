"""Sessions of requests, which Google's and Azure's clients send by, to addresses that may be called on."""

import re
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.poolmanager import PoolManager

from export_pipeline.connectors.authorities import authorities
from export_pipeline.connectors.confined import (
    LONGEST_ANSWER,
    LONGEST_REFUSAL,
    confine,
    is_a_stores,
    unquoted,
)
from export_pipeline.connectors.http_errors import host_in, sent_on
from export_pipeline.errors import PermanentFailure

PIECE = 1 << 16


class ConfinedAdapter(HTTPAdapter):
    """Sends by confined connections, and by no proxy: that would look up names for itself."""

    poolmanager: PoolManager

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        confine(self.poolmanager)

    def send(
        self,
        request: Any,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> requests.Response:
        # Here, and not in the session: some clients say True with each of their requests.
        trusted = (authorities() or True) if verify is True else verify
        answer = super().send(request, stream, timeout, trusted, cert, proxies)
        if answer.is_redirect:
            answer.close()
            raise sent_on(answer.url, answer.headers["Location"])
        asked = _asked_for(request)
        if answer.status_code >= 300:
            _keep(answer, LONGEST_REFUSAL)
            answer._content = unquoted(answer.content, request.headers)
        elif not stream:
            _keep(answer, LONGEST_ANSWER)
            if not is_a_stores(answer.content):
                raise _too_much(answer)
        elif asked is not None:
            _keep(answer, asked)
            if len(answer.content) > asked:
                raise _too_much(answer)
        return answer

    def get_connection_with_tls_context(
        self, request: Any, verify: Any, proxies: Any = None, cert: Any = None
    ) -> Any:
        del proxies
        return super().get_connection_with_tls_context(request, verify, None, cert)

    def request_url(self, request: Any, proxies: Any) -> str:
        del proxies
        return super().request_url(request, {})


def confined(session: requests.Session) -> None:
    """Have the session, whatever it is a subclass of, call on no address that it must not, nor show whom it
    calls on what the operator has for others: a proxy's password, or those in .netrc.
    """
    session.trust_env = False
    for scheme in ("http://", "https://"):
        session.mount(scheme, ConfinedAdapter())


def _asked_for(request: requests.PreparedRequest) -> int | None:
    """How many bytes of an object the request wants; None if that is all of it, whatever it has.

    Azure's client puts together in memory what comes of each part of a blob that it asks for.
    """
    said = request.headers.get("x-ms-range") or request.headers.get("Range") or ""
    found = re.fullmatch(r"bytes=(\d+)-(\d+)", str(said))
    return int(found[2]) + 1 - int(found[1]) if found else None


def _keep(answer: requests.Response, longest: int) -> None:
    """Have the answer hold its body, or of a longer one enough to show that it is."""
    kept = bytearray()
    with answer:
        for piece in answer.iter_content(PIECE):
            kept += piece
            if len(kept) > longest:
                break
    # As its own property would, which sets no limit.
    answer._content, answer._content_consumed = bytes(kept), True


def _too_much(answer: requests.Response) -> PermanentFailure:
    return PermanentFailure(f"{_host(answer)} says more than any store does; check the connector's address")


def _host(answer: requests.Response) -> str:
    return host_in(answer.url) or "it"
