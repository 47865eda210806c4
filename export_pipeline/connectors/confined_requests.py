"""Sessions of requests, which Google's and Azure's clients send by, to addresses that may be called on."""

from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.poolmanager import PoolManager

from export_pipeline.connectors.confined import confine


class ConfinedAdapter(HTTPAdapter):
    """Sends by confined connections, and by no proxy: that would look up names for itself."""

    poolmanager: PoolManager

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        confine(self.poolmanager)

    def get_connection_with_tls_context(
        self, request: Any, verify: Any, proxies: Any = None, cert: Any = None
    ) -> Any:
        del proxies
        return super().get_connection_with_tls_context(request, verify, None, cert)

    def request_url(self, request: Any, proxies: Any) -> str:
        del proxies
        return super().request_url(request, {})


def confined(session: requests.Session) -> None:
    """Have the session, whatever it is a subclass of, call on no address that it must not."""
    for scheme in ("http://", "https://"):
        session.mount(scheme, ConfinedAdapter())
