"""Checks of connectors over the API."""

from export_pipeline.connectors.s3 import S3Config
from export_pipeline_tests.api.conftest import Somebody
from export_pipeline_tests.connectors.conftest import s3_connector as s3_connector


def test_a_check_that_fails_says_at_which_step_and_why(admin: Somebody) -> None:
    admin.lake()

    checked = admin.post("/api/v1/connectors/lake/check")

    assert checked.status_code == 200
    document = checked.json()
    assert (document["ok"], document["state"]) == (False, "STARTING")
    assert [(step["name"], step["ok"]) for step in document["check"]] == [
        ("resolve", True),
        ("connect", False),
    ]
    assert document["reason"] == document["check"][-1]["message"]
    assert admin.get("/api/v1/connectors/lake").json()["check"] == document["check"]


def test_a_check_that_passes_lets_files_through(admin: Somebody, s3_connector: S3Config) -> None:
    assert s3_connector.secret_access_key is not None
    config = s3_connector.model_dump(exclude_none=True)
    config["secret_access_key"] = s3_connector.secret_access_key.get_secret_value()
    assert admin.post("/api/v1/connectors", json={"name": "lake", "config": config}).status_code == 201

    document = admin.post("/api/v1/connectors/lake/check").json()

    assert (document["ok"], document["state"]) == (True, "RUNNING")
    assert document["check"][-1]["name"] == "delete"


def test_what_is_not_there_is_not_checked(admin: Somebody) -> None:
    assert admin.post("/api/v1/connectors/lake/check").status_code == 404
