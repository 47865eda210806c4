"""The face on the sample of searches: a real uvicorn, and clients with keys."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx
import pytest

from export_pipeline.demo.home import DemoHome
from export_pipeline.demo.samples import SEARCHES
from export_pipeline.store.database import reading
from export_pipeline.store.exports import get_export
from export_pipeline.store.tasks import get_task
from export_pipeline_tests.api.conftest import Api, serving
from export_pipeline_tests.installations import Installation
from export_pipeline_tests.runs import deliver

EXPORTS = "/rest/ua/v15/exports"

# Four hours in which there are rows of every kind.
BUSY = {"from": "2018-08-01T00:00:00.000Z", "to": "2018-08-01T03:59:59.999Z"}


@dataclass(frozen=True)
class Client:
    """Somebody with a key, and the deployment behind the server."""

    api: Api
    organization: str
    http: httpx.Client

    def create(self, **given: Any) -> dict[str, Any]:
        """An export, as it was when it was asked for."""
        made = self.http.post(EXPORTS, params={**BUSY, **given})
        assert made.status_code == 201, made.text
        document: dict[str, Any] = made.json()
        return document

    def refused(self, **given: Any) -> dict[str, Any]:
        """What is said of an export that cannot be made."""
        answer = self.http.post(EXPORTS, params={**BUSY, **given})
        assert answer.status_code == 400, answer.text
        document: dict[str, Any] = answer.json()
        return document

    def delivered(self, **given: Any) -> dict[str, Any]:
        """An export whose hours are delivered."""
        made = self.create(**given)
        with reading(self.api.installation.deployment.control) as connection:
            task = get_task(connection, made["id"])
            export = get_export(connection, task.export_id)
        chunk = deliver(self.api.installation, export, task.windows(export.definition.layout))
        assert not chunk.failed, chunk.failed
        document: dict[str, Any] = self.http.get(f"{EXPORTS}/{made['id']}").json()
        return document


@pytest.fixture(scope="session")
def searches_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    folder = tmp_path_factory.mktemp("coveo")
    home = DemoHome(folder / "home", SEARCHES)
    home.prepare()
    deployment = home.open({})
    installation = Installation(home.folder, deployment)
    source = {"EXPORT_PIPELINE_SOURCE_URL": home.variables["EXPORT_PIPELINE_SOURCE_URL"]}
    with serving(installation, folder / "log", **source) as url:
        yield Api(url, installation, folder / "log")
    deployment.close()


@pytest.fixture
def coveo(searches_api: Api) -> Iterator[Client]:
    """Who may make exports in a new organization."""
    organization = searches_api.organization()
    with searches_api.client(searches_api.key(organization, "exports:edit")) as http:
        yield Client(searches_api, organization, http)


def moments(values: Sequence[str]) -> list[datetime]:
    """What stands in a file's column of moments."""
    return [datetime.fromisoformat(value) for value in values]
