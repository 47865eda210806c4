"""Sessions of requests call nobody inside the network, whoever is asked to lead them there."""

from collections.abc import Iterator
from ipaddress import ip_network

import pytest
import requests

from export_pipeline.connectors.addresses import allow
from export_pipeline.connectors.confined_requests import confined
from export_pipeline.errors import PermanentFailure
from export_pipeline_tests.connectors.test_confined import answering
from export_pipeline_tests.servers.ports import free_port


@pytest.fixture
def session() -> Iterator[requests.Session]:
    allow([])
    with requests.Session() as session:
        confined(session)
        yield session
    allow([])


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_nobody_inside_is_called_on(session: requests.Session, scheme: str) -> None:
    with pytest.raises(PermanentFailure, match="must not call there"):
        session.get(f"{scheme}://127.0.0.1:{free_port()}/", timeout=5)


def test_whom_the_operator_allows_is_called_on(session: requests.Session) -> None:
    allow([ip_network("127.0.0.0/8")])
    with answering() as port:
        assert session.get(f"http://127.0.0.1:{port}/", timeout=5).content == b"ok"


def test_no_proxy_is_asked(session: requests.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with answering() as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy}")
        with pytest.raises(PermanentFailure, match="must not call there"):
            session.get(f"http://127.0.0.1:{free_port()}/", timeout=5)


def test_where_nobody_answers_is_an_error_that_clients_know(session: requests.Session) -> None:
    allow([ip_network("127.0.0.0/8")])

    with pytest.raises(requests.ConnectionError):
        session.get(f"http://127.0.0.1:{free_port()}/", timeout=5)
