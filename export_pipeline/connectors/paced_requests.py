"""Sessions of requests that wait for slow lines: for vendors' own addresses, to which nobody is confined."""

from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.poolmanager import PoolManager

from export_pipeline.connectors.pacing import PacedConnection


class _Connection(PacedConnection, HTTPConnection):
    """Sends piece by piece."""


class _TlsConnection(PacedConnection, HTTPSConnection):
    """The same with TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class PacedAdapter(HTTPAdapter):
    """Sends by paced connections, through the operator's proxy too."""

    poolmanager: PoolManager

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        _pace_all_of(self.poolmanager)

    def proxy_manager_for(self, proxy: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        if not proxy.lower().startswith("socks"):  # those have connections of their own
            _pace_all_of(manager)
        return manager


def pace(session: requests.Session) -> None:
    """Have the session, whatever it is a subclass of, wait as long as what it sends is taken bit by bit."""
    for scheme in ("http://", "https://"):
        session.mount(scheme, PacedAdapter())


def _pace_all_of(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
