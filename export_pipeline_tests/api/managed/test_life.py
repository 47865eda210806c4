"""The whole life of a managed connector: real buckets, and a real daemon that checks and delivers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from export_pipeline.control.exports import delete_export
from export_pipeline.control.tasks import create_task
from export_pipeline.receipts.verifying import verify
from export_pipeline.store.database import writing
from export_pipeline.windows import ONE_HOUR
from export_pipeline_tests.api.whole import Whole, a_whole_service
from export_pipeline_tests.installations import FIRST
from export_pipeline_tests.runs import ledger
from export_pipeline_tests.servers.s3 import S3Server

LAKE = "/connectors/acme-lake"


@pytest.fixture
def whole(tmp_path: Path) -> Iterator[Whole]:
    with a_whole_service(tmp_path) as service:
        yield service


def a_bucket(server: S3Server, name: str) -> dict[str, Any]:
    """Written to by one user, read by another; neither may do the other's."""
    return {
        "storage_type": "AmazonS3",
        "storage_config": {
            "bucket_name": name,
            "region": "eu-central-1",
            "url": server.endpoint_url,
            "username_read": server.reader.access_key_id,
            "password_read": server.reader.secret_access_key,
            "username_write": server.writer.access_key_id,
            "password_write": server.writer.secret_access_key,
        },
    }


def test_the_whole_life_of_a_connector(whole: Whole, s3_server: S3Server) -> None:
    first, second = s3_server.new_bucket(), s3_server.new_bucket()
    answers: list[httpx.Response] = []

    def call(method: str, path: str, **given: Any) -> httpx.Response:
        answers.append(http.request(method, path, **given))
        return answers[-1]

    def is_(state: str) -> bool:
        found = call("GET", LAKE).json()
        assert state == "FAILED" or found["state"] != "FAILED", found["reason"]
        return bool(found["state"] == state)

    with whole.api.client(whole.api.key("default", "connectors:edit")) as http:
        made = call("POST", LAKE, json=a_bucket(s3_server, first))
        assert (made.status_code, made.json()["state"]) == (201, "STARTING")
        whole.wait(lambda: is_("RUNNING"), "checked and running")
        export = whole.installation.export(connector="acme-lake", standing=False)
        deliver(whole, 0)
        whole.wait(lambda: len(ledger(whole.installation, export)) == 1, "an hour in the first bucket")

        assert call("PUT", LAKE, json=a_bucket(s3_server, second)).json()["state"] == "STARTING"
        whole.wait(lambda: is_("RUNNING"), "restarted with the second bucket")
        deliver(whole, 1)
        whole.wait(lambda: len(ledger(whole.installation, export)) == 2, "an hour in the second bucket")

        for entry, bucket in zip(ledger(whole.installation, export), (first, second), strict=True):
            proof = verify(s3_server.config(bucket).open(), entry.receipt_key)
            assert proof.ok, proof.problems

        assert call("GET", f"{LAKE}/stop").json()["state"] == "STOPPED"
        assert call("GET", f"{LAKE}/start").json()["state"] == "STARTING"
        assert call("GET", f"{LAKE}/fail").json()["state"] == "FAILED"
        refused = call("GET", f"{LAKE}/start")
        assert refused.status_code == 409
        assert refused.json()["allowed"] == ["stop", "fail", "delete"]
        assert call("PUT", LAKE, json=a_bucket(s3_server, second)).status_code == 409
        assert call("GET", f"{LAKE}/stop").json()["state"] == "STOPPED"
        assert call("DELETE", LAKE).status_code == 409
        with writing(whole.installation.deployment.control) as connection:
            delete_export(connection, "default", export.slug)
        assert call("DELETE", LAKE).status_code == 204
        assert call("GET", LAKE).status_code == 404

    secrets = s3_server.reader.secret_access_key, s3_server.writer.secret_access_key
    assert [answer.text for answer in answers if any(secret in answer.text for secret in secrets)] == []


def deliver(whole: Whole, hour: int) -> None:
    """Ask for an hour of the export."""
    with writing(whole.installation.deployment.control) as connection:
        create_task(
            connection,
            organization="default",
            export="events",
            since=FIRST + hour * ONE_HOUR,
            until=FIRST + (hour + 1) * ONE_HOUR,
        )
