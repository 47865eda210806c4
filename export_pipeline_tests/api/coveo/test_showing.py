"""Statuses in the document's words, and moments as it counts them."""

from datetime import UTC, datetime

import httpx
import pytest

from export_pipeline.api.coveo.showing import STATUSES, milliseconds
from export_pipeline.exports.task import TaskStatus
from export_pipeline.store.database import reading, writing
from export_pipeline.store.exports import get_export
from export_pipeline.store.tasks import fail_task, get_task
from export_pipeline_tests.api.coveo.conftest import EXPORTS, Client
from export_pipeline_tests.expiries import expire_task


def test_every_status_has_a_word() -> None:
    assert set(STATUSES) == set(TaskStatus)


def test_milliseconds_are_not_rounded_up() -> None:
    assert milliseconds(datetime(2019, 3, 1, 4, 59, 59, 999_999, tzinfo=UTC)) == 1551416399999


def test_a_failed_export_says_why_and_has_no_link(coveo: Client) -> None:
    made = coveo.create()
    with writing(coveo.api.installation.deployment.control) as connection:
        fail_task(connection, made["id"], "so it is")

    shown = coveo.http.get(f"{EXPORTS}/{made['id']}").json()

    assert (shown["status"], shown["downloadable"]) == ("FAILED", False)
    assert shown["errorInfo"] == {"message": "so it is"}
    assert "downloadLink" not in shown
    assert coveo.http.get(f"{EXPORTS}/{made['id']}", params={"redirect": "true"}).status_code == 409


@pytest.mark.parametrize("how", ["its time is over", "it was deleted over the native API"])
def test_an_export_whose_file_was_removed_has_expired(coveo: Client, how: str) -> None:
    done = coveo.delivered()
    link = coveo.http.get(f"{EXPORTS}/{done['id']}/downloadlink").json()["downloadLink"]
    assert httpx.get(link).status_code == 200
    if how == "its time is over":
        expire_task(coveo.api.installation, done["id"])
    else:
        with reading(coveo.api.installation.deployment.control) as connection:
            export = get_export(connection, get_task(connection, done["id"]).export_id)
        assert coveo.http.delete(f"/api/v1/exports/{export.slug}").is_success

    shown = coveo.http.get(f"{EXPORTS}/{done['id']}").json()

    assert (shown["status"], shown["downloadable"], "downloadLink" in shown) == ("EXPIRED", False, False)
    assert coveo.http.get(f"{EXPORTS}/{done['id']}", params={"redirect": "true"}).status_code == 410
    assert coveo.http.get(f"{EXPORTS}/{done['id']}/downloadlink").status_code == 410
    assert httpx.get(link).status_code == 410
    (listed,) = [one for one in coveo.http.get(EXPORTS).json() if one["id"] == done["id"]]
    assert listed == shown

    again = coveo.delivered()
    assert again["status"] == "AVAILABLE"
    assert coveo.http.get(f"{EXPORTS}/{done['id']}").json()["status"] == "EXPIRED"
