"""The whole life of an export whose files wait in the operator's bucket; a real daemon makes it."""

import csv
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from export_pipeline_tests.api.coveo.conftest import EXPORTS
from export_pipeline_tests.api.whole import Whole, a_whole_service
from export_pipeline_tests.installations import ROWS_PER_HOUR
from export_pipeline_tests.servers.s3 import S3Server


@pytest.fixture
def bucket(s3_server: S3Server) -> str:
    return s3_server.new_bucket()


@pytest.fixture
def whole(tmp_path: Path, s3_server: S3Server, bucket: str) -> Iterator[Whole]:
    place = tmp_path / "downloads.toml"
    place.write_text(
        f"""
        type = "s3"
        bucket = "{bucket}"
        region = "eu-central-1"
        endpoint_url = "{s3_server.endpoint_url}"
        access_key_id = "{s3_server.admin.access_key_id}"
        secret_access_key = "{s3_server.admin.secret_access_key}"
        """
    )
    with a_whole_service(tmp_path, downloads=place) as service:
        yield service


def test_the_whole_life_of_an_export(whole: Whole, s3_server: S3Server, bucket: str) -> None:
    organization = whole.api.organization()
    with whole.api.client(whole.api.key(organization, "exports:edit")) as http:
        range_ = {"from": "2026-01-05T00:00:00.000Z", "to": "2026-01-05T02:59:59.999Z"}
        made = http.post(EXPORTS, params={**range_, "dimensions": ["kind", "id"]})
        assert made.status_code == 201, made.text
        one = f"{EXPORTS}/{made.json()['id']}"

        def ended() -> bool:
            status = http.get(one).json()["status"]
            assert status in ("PENDING", "AVAILABLE"), http.get(one).text
            return bool(status == "AVAILABLE")

        whole.wait(ended, "the export is available")
        stored = s3_server.config(bucket, prefix=organization).open()
        files = {found.key: found.size for found in stored.list("") if "_receipts/" not in found.key}
        assert len(files) == 1
        assert http.get(one).json()["size"] > 0

        fetched = http.get(one, params={"redirect": "true"}, follow_redirects=True)
        assert fetched.status_code == 200, fetched.text
        with zipfile.ZipFile(io.BytesIO(fetched.content)) as archive:
            rows = [*csv.DictReader(io.StringIO(archive.read("events.csv").decode()))]
        assert [*rows[0]] == ["kind", "id"]
        assert [int(row["id"]) for row in rows] == [*range(3 * ROWS_PER_HOUR)]
