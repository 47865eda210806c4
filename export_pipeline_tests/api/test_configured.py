"""What customers are told of a document of the operator's that cannot be used."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from export_pipeline.api.configured import configured
from export_pipeline.control.links import file_address
from export_pipeline.errors import NotFound
from export_pipeline_tests.api.botify.asking import JOBS, a_payload
from export_pipeline_tests.api.conftest import Api, serving
from export_pipeline_tests.installations import an_installation
from export_pipeline_tests.servers.ports import free_port
from export_pipeline_tests.servers.s3 import S3Server


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """An API whose operator has made a mistake in where files wait for download."""
    folder = tmp_path_factory.mktemp("broken")
    document = folder / "downloads.toml"
    document.write_text('type = "nowhere"\n')
    with (
        an_installation(folder / "home") as installation,
        serving(installation, folder / "log", EXPORT_PIPELINE_DOWNLOADS=str(document)) as url,
    ):
        yield Api(url, installation, folder / "log")


def asked(api: Api, method: str, path: str, scheme: str = "Bearer", **given: object) -> httpx.Response:
    organization = api.organization()
    headers = {"Authorization": f"{scheme} {api.key(organization)}"}
    return httpx.request(method, f"{api.url}{path}", headers=headers, timeout=60, **given)  # type: ignore[arg-type]


def test_a_mistake_of_the_operators_is_not_the_customers(broken: Api) -> None:
    answer = asked(broken, "GET", "/rest/ua/v15/exports/rowLimit")

    assert answer.status_code == 503
    assert "the operator has to correct" in answer.text
    assert "must be one of" not in answer.text
    assert "type: must be one of" in broken.log.read_text()


def test_what_is_not_there_is_still_not_there(broken: Api) -> None:
    with pytest.raises(NotFound):
        configured(broken.installation.deployment, "there-is-none")


def test_a_store_that_refuses_the_operator_is_the_operators_to_mend(
    tmp_path: Path, s3_server: S3Server
) -> None:
    """Nor is it told where it is."""
    bucket = s3_server.new_bucket()
    document = tmp_path / "downloads.toml"
    document.write_text(
        f'type = "s3"\nbucket = "{bucket}"\nendpoint_url = "{s3_server.endpoint_url}"\n'
        'access_key_id = "testadmin"\nsecret_access_key = "guessed-guessed"\n'
    )
    with (
        an_installation(tmp_path / "home") as installation,
        serving(installation, tmp_path / "log", EXPORT_PIPELINE_DOWNLOADS=str(document)) as url,
    ):
        api = Api(url, installation, tmp_path / "log")
        organization = api.organization()
        with api.client(api.key(organization)) as http:
            made = http.post(JOBS, json={"job_type": "export", "payload": a_payload(organization)})
            address = file_address(
                installation.deployment.secret_key, made.json()["job_id"], "a.csv", lasts=timedelta(hours=1)
            )
        answers = [httpx.get(f"{url}{address}"), httpx.head(f"{url}{address}")]

    assert [answer.status_code for answer in answers] == [503, 503]
    assert "has mended this: not allowed to look at 'a.csv' in bucket '…': check the" in answers[0].text
    assert bucket not in answers[0].text


def test_where_files_wait_for_download_is_told_nobody(tmp_path: Path) -> None:
    document = tmp_path / "downloads.toml"
    document.write_text(
        f'type = "s3"\nbucket = "where-they-lie"\nendpoint_url = "http://localhost:{free_port()}"\n'
        'access_key_id = "operator"\nsecret_access_key = "hunter2-hunter2"\n'
    )
    with (
        an_installation(tmp_path / "home") as installation,
        serving(installation, tmp_path / "log", EXPORT_PIPELINE_DOWNLOADS=str(document)) as url,
    ):
        api = Api(url, installation, tmp_path / "log")
        with api.client(api.key(api.organization())) as http:
            checked = http.post("/api/v1/connectors/direct_download/check")
            shown = http.get("/api/v1/connectors/direct_download")
        log = (tmp_path / "log").read_text()

    assert checked.status_code == shown.status_code == 200
    assert "does not answer at port" in checked.text
    assert "does not answer at port" in shown.text
    assert "localhost" not in checked.text + shown.text
    assert "the server localhost does not answer" in log.replace("The server", "the server")
