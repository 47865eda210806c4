"""Sessions of requests wait for slow lines, at vendors' own addresses and at customers'."""

import socket
import time
from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path

import pytest
import requests
from google.auth.credentials import AnonymousCredentials
from requests.adapters import HTTPAdapter

from export_pipeline.connectors import azure_store, gcs_store
from export_pipeline.connectors.addresses import allow
from export_pipeline.connectors.confined_requests import confined
from export_pipeline.connectors.paced_requests import pace
from export_pipeline.connectors.pacing import PacedConnection
from export_pipeline_tests.connectors.test_pacing import BODY, serving, spoken, taking
from export_pipeline_tests.servers.certificates import certificates

SECONDS_TO_CONNECT = 1.0


@pytest.mark.parametrize("limit", [pace, confined])
def test_a_body_has_longer_than_connecting(limit: Callable[[requests.Session], None], tmp_path: Path) -> None:
    made = certificates(tmp_path)

    def late(connection: socket.socket) -> None:
        time.sleep(1.5 * SECONDS_TO_CONNECT)
        taking(connection)

    allow([ip_network("127.0.0.0/8")])
    with serving(late, spoken(made)) as port, requests.Session() as session:
        limit(session)
        answer = session.put(
            f"https://127.0.0.1:{port}/",
            BODY,
            timeout=(SECONDS_TO_CONNECT, 60),
            verify=str(made.authority),
        )
    allow([])

    assert answer.content == b"ok"


def callers(session: requests.Session, url: str) -> list[type]:
    """What the session calls by, straight and through a proxy."""
    adapter = session.get_adapter(url)
    assert isinstance(adapter, HTTPAdapter)
    managers = adapter.poolmanager, adapter.proxy_manager_for("http://proxy.example:3128")
    return [manager.connection_from_url(url).ConnectionCls for manager in managers]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_vendors_own_stores_are_waited_for(scheme: str) -> None:
    google = gcs_store._session(AnonymousCredentials(), confine=False, own_identity=True)
    microsoft = azure_store._transport(confine=False).session

    for session in (google, microsoft):
        for caller in callers(session, f"{scheme}://store.example"):
            assert issubclass(caller, PacedConnection)
