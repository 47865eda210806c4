"""The API as clients meet it: uvicorn on a socket, on an installation of its own."""

import os
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from export_pipeline.control.keys import create_key
from export_pipeline.control.organizations import create_organization
from export_pipeline.deployment import open_deployment
from export_pipeline.processes.api import server_command
from export_pipeline.processes.tethered import Tethered
from export_pipeline.store.database import writing
from export_pipeline_tests.installations import Installation, an_installation
from export_pipeline_tests.servers.ports import free_port
from export_pipeline_tests.servers.postgres import fresh_database
from export_pipeline_tests.store.conftest import control as control
from export_pipeline_tests.store.conftest import shared_postgres as shared_postgres

SECONDS_TO_START = 60
SECONDS_TO_LOG = 30

# Nobody listens there.
BUCKET = {
    "type": "s3",
    "bucket": "acme-exports",
    "endpoint_url": "http://127.0.0.1:9",
    "access_key_id": "reader",
    "secret_access_key": "hunter2",
}

DEFINITION = {
    "tables": [{"name": "events"}],
    "format": "csv.gz",
    "first_hour": "2026-01-05T00:00:00Z",
    "until": "2026-01-06T00:00:00Z",
}


@dataclass(frozen=True)
class Api:
    """A server and the installation behind it. Each test is an organization of its own."""

    url: str
    installation: Installation
    log: Path

    def organization(self) -> str:
        """A new organization."""
        name = f"org-{uuid.uuid4().hex[:12]}"
        deployment = self.installation.deployment
        with writing(deployment.control) as connection:
            create_organization(connection, deployment.secret_key, name)
        return name

    def logged(self, request_id: str) -> str:
        """The log's line of one request; it is written when the answer has gone, so it is waited for."""
        give_up = time.monotonic() + SECONDS_TO_LOG
        while time.monotonic() < give_up:
            lines = [
                line
                for line in self.log.read_text().splitlines(keepends=True)
                if f"request={request_id} " in line
            ]
            if lines and lines[-1].endswith("\n"):
                return lines[-1]
            time.sleep(0.05)
        raise AssertionError(f"no line of request {request_id} within {SECONDS_TO_LOG} s")

    def key(self, organization: str, *privileges: str, **changes: Any) -> str:
        """The text of a new key."""
        with writing(self.installation.deployment.control) as connection:
            return create_key(
                connection,
                organization=organization,
                privileges=privileges or ["admin"],
                name="test",
                **changes,
            ).text

    def client(self, key: str | None = None, **headers: str) -> httpx.Client:
        """A client with a key."""
        given = {"Authorization": f"Bearer {key}"} if key else {}
        return httpx.Client(base_url=self.url, headers={**given, **headers}, timeout=60)


@dataclass(frozen=True)
class Somebody:
    """A client of an organization, and whose it is."""

    organization: str
    http: httpx.Client

    def get(self, path: str, **given: Any) -> httpx.Response:
        return self.http.get(path, **given)

    def post(self, path: str, **given: Any) -> httpx.Response:
        return self.http.post(path, **given)

    def put(self, path: str, **given: Any) -> httpx.Response:
        return self.http.put(path, **given)

    def delete(self, path: str, **given: Any) -> httpx.Response:
        return self.http.delete(path, **given)

    def lake(self, name: str = "lake") -> dict[str, Any]:
        """A connector to a bucket that nobody has."""
        made = self.post("/api/v1/connectors", json={"name": name, "config": BUCKET})
        assert made.status_code == 201, made.text
        document: dict[str, Any] = made.json()
        return document

    def export(self, name: str = "events", **changes: Any) -> dict[str, Any]:
        """An export of a day of events through the connector `lake`, which has to be there."""
        definition = {**DEFINITION, "subdirectory": name, **changes.pop("definition", {})}
        asked = {"name": name, "connector": "lake", "definition": definition, **changes}
        made = self.post("/api/v1/exports", json=asked)
        assert made.status_code == 201, made.text
        document: dict[str, Any] = made.json()
        return document


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    folder = tmp_path_factory.mktemp("api")
    with an_installation(folder / "home") as installation, serving(installation, folder / "log") as url:
        yield Api(url, installation, folder / "log")


@pytest.fixture
def admin(api: Api) -> Iterator[Somebody]:
    """Who may do everything in a new organization."""
    organization = api.organization()
    with api.client(api.key(organization)) as http:
        yield Somebody(organization, http)


@pytest.fixture(scope="session")
def two_apis(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Api, Api]]:
    """Two processes that serve one installation, whose control database is PostgreSQL."""
    folder = tmp_path_factory.mktemp("two-apis")
    with ExitStack() as opened:
        control_url = opened.enter_context(fresh_database(postgres_url))
        local = opened.enter_context(an_installation(folder / "home"))
        settings = local.deployment.settings.model_copy(update={"control_url": control_url})
        deployment = open_deployment(settings, local.deployment.environ)
        opened.callback(deployment.close)
        installation = replace(local, deployment=deployment)
        environ = {
            "EXPORT_PIPELINE_CONTROL_URL": control_url,
            "EXPORT_PIPELINE_REQUESTS_PER_MINUTE": "100000",
        }
        one, another = (
            Api(opened.enter_context(serving(installation, log, **environ)), installation, log)
            for log in (folder / "log-1", folder / "log-2")
        )
        yield one, another


@contextmanager
def serving(installation: Installation, log: Path, **environ: str) -> Iterator[str]:
    """The API of an installation on a free port, for as long as the block runs; gives its address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    variables = {**os.environ, **installation.variables, **environ}
    with Tethered(server_command(host="127.0.0.1", port=port), log=log, environ=variables) as process:
        give_up = time.monotonic() + SECONDS_TO_START
        while not _answers(url):
            process.check()
            assert time.monotonic() < give_up, f"the API does not answer; see {log}"
            time.sleep(0.05)
        yield url


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz").is_success
    except httpx.TransportError:
        return False
