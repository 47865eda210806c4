"""A job is shown as far as it is, whatever became of it."""

from datetime import UTC, datetime

from export_pipeline.store.database import writing
from export_pipeline.store.tasks import fail_task, start_task
from export_pipeline_tests.api.botify.asking import JOBS, a_job
from export_pipeline_tests.api.conftest import Api, Somebody


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
