"""What customers are told of a document of the operator's that cannot be used."""

from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def with_downloads(folder: Path, document: str) -> Iterator[Api]:
    """An API whose operator says so where files wait for download."""
    place = folder / "downloads.toml"
    place.write_text(document)
    with (
        an_installation(folder / "home") as installation,
        serving(installation, folder / "log", EXPORT_PIPELINE_DOWNLOADS=str(place)) as url,
    ):
        yield Api(url, installation, folder / "log")


def a_bucket(bucket: str, endpoint_url: str) -> str:
    """A document of one, with credentials that nobody knows there."""
    return (
        f'type = "s3"\nbucket = "{bucket}"\nendpoint_url = "{endpoint_url}"\n'
        'access_key_id = "testadmin"\nsecret_access_key = "guessed-guessed"\n'
    )


def test_a_mistake_of_the_operators_is_not_the_customers(tmp_path: Path) -> None:
    with (
        with_downloads(tmp_path, 'type = "nowhere"\n') as api,
        api.client(api.key(api.organization())) as http,
    ):
        answer = http.get("/rest/ua/v15/exports/rowLimit")

    assert answer.status_code == 503
    assert "the operator has to correct" in answer.text
    assert "must be one of" not in answer.text
    assert "type: must be one of" in api.log.read_text()


def test_what_is_not_there_is_still_not_there(api: Api) -> None:
    with pytest.raises(NotFound):
        configured(api.installation.deployment, "there-is-none")


def test_a_store_that_refuses_the_operator_is_the_operators_to_mend(
    tmp_path: Path, s3_server: S3Server
) -> None:
    """Nor is it told where it is."""
    bucket = s3_server.new_bucket()
    with with_downloads(tmp_path, a_bucket(bucket, s3_server.endpoint_url)) as api:
        organization = api.organization()
        with api.client(api.key(organization)) as http:
            made = http.post(JOBS, json={"job_type": "export", "payload": a_payload(organization)})
        link = file_address(api.installation.deployment.secret_key, made.json()["job_id"], "a.csv")
        answers = [httpx.get(f"{api.url}{link}"), httpx.head(f"{api.url}{link}")]

    assert [answer.status_code for answer in answers] == [503, 503]
    assert "has mended this: not allowed to look at 'a.csv' in bucket '…': check the" in answers[0].text
    assert bucket not in answers[0].text


def test_where_files_wait_for_download_is_told_nobody(tmp_path: Path) -> None:
    document = a_bucket("where-they-lie", f"http://localhost:{free_port()}")
    with with_downloads(tmp_path, document) as api, api.client(api.key(api.organization())) as http:
        checked = http.post("/api/v1/connectors/direct_download/check")
        shown = http.get("/api/v1/connectors/direct_download")

    assert checked.status_code == shown.status_code == 200
    assert "does not answer at port" in checked.text
    assert "does not answer at port" in shown.text
    assert "localhost" not in checked.text + shown.text
    assert "server localhost does not answer" in api.log.read_text()
