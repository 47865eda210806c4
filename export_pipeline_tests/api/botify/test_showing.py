"""A job is shown as far as it is, whatever became of it."""

from datetime import UTC, datetime

import httpx
import pytest

from export_pipeline.store.database import reading, writing
from export_pipeline.store.exports import get_export
from export_pipeline.store.tasks import fail_task, get_task, start_task
from export_pipeline_tests.api.botify.asking import JOBS, a_job
from export_pipeline_tests.api.conftest import Api, Somebody
from export_pipeline_tests.expiries import expire_task
from export_pipeline_tests.runs import deliver


def test_a_job_is_shown_in_every_status(api: Api, admin: Somebody) -> None:
    job = admin.post(JOBS, json=a_job(admin)).json()
    asked_at = datetime.fromisoformat(job["date_created"])
    assert abs((datetime.now(UTC) - asked_at).total_seconds()) < 3600
    assert job["job_status"] == "CREATED"

    with writing(api.installation.deployment.control) as connection:
        start_task(connection, job["job_id"])
    started = admin.get(job["job_url"]).json()
    assert started == {**job, "job_status": "PROCESSING"}

    with writing(api.installation.deployment.control) as connection:
        fail_task(connection, job["job_id"], "the source is not there")
    failed = admin.get(job["job_url"]).json()
    error = {"error_code": "1037", "message": "the source is not there"}
    assert failed == {**job, "job_status": "FAILED", "error": error}


@pytest.mark.parametrize("how", ["its time is over", "its export was deleted"])
def test_a_job_whose_file_is_no_more_is_done_and_has_no_link(api: Api, admin: Somebody, how: str) -> None:
    job = admin.post(JOBS, json=a_job(admin)).json()
    with reading(api.installation.deployment.control) as connection:
        task = get_task(connection, job["job_id"])
        export = get_export(connection, task.export_id)
    assert not deliver(api.installation, export, task.windows(export.definition.layout)).failed
    results = admin.get(job["job_url"]).json()["results"]
    assert httpx.get(results["download_url"]).status_code == 200

    if how == "its time is over":
        expire_task(api.installation, task.id)
    else:
        assert admin.delete(f"/api/v1/exports/{export.slug}").is_success

    shown = admin.get(job["job_url"]).json()
    assert shown["job_status"] == "DONE"
    assert shown["results"] == {**results, "download_url": None}
    gone = httpx.get(results["download_url"])
    assert gone.status_code == 410
    assert "expired; ask for it anew" in gone.text
