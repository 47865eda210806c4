"""Jobs are accepted, shown and listed as the document has them; what is wrong is told by its codes."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from export_pipeline_tests.api.botify.asking import JOBS, a_job, a_payload
from export_pipeline_tests.api.conftest import Api, Somebody, serving
from export_pipeline_tests.api.managed.payloads import a_payload as a_connector
from export_pipeline_tests.installations import an_installation


def error_of(answer: httpx.Response) -> dict[str, Any]:
    assert [*answer.json()] == ["error"]
    error: dict[str, Any] = answer.json()["error"]
    return error


def test_a_job_is_accepted_and_shown(admin: Somebody) -> None:
    asked = {**a_job(admin, export_size=100), "metadata": {"ticket": 7}}

    made = admin.post(JOBS, json=asked)

    assert made.status_code == 201
    job = made.json()
    assert job["job_url"] == f"/v1/jobs/{job['job_id']}"
    assert (job["job_type"], job["job_status"], job["results"]) == ("export", "CREATED", None)
    assert (job["payload"], job["metadata"]) == (asked["payload"], asked["metadata"])
    assert job["user"] == "test"
    assert job["date_created"].endswith("+00:00")
    assert admin.get(job["job_url"]).json() == job


def test_a_body_is_json_whatever_it_is_said_to_be(api: Api) -> None:
    """As curl sends it, and with the document's own scheme."""
    organization = api.organization()
    body = json.dumps({"job_type": "export", "payload": a_payload(organization)})
    headers = {
        "Authorization": f"Token {api.key(organization)}",
        "Content-Type": "application/x-www-form-urlencoded",
    }

    assert httpx.post(api.url + JOBS, content=body, headers=headers).status_code == 201


def test_a_declaration_that_cannot_be_read_is_the_operators_to_mend(tmp_path: Path) -> None:
    with (
        an_installation(tmp_path / "home") as installation,
        serving(installation, tmp_path / "log") as url,
    ):
        api = Api(url, installation, tmp_path / "log")
        (installation.folder / "dataset.toml").write_text("[source\n")
        organization = api.organization()
        with api.client(api.key(organization)) as http:
            answer = http.post(JOBS, json={"job_type": "export", "payload": a_payload(organization)})

    assert answer.status_code == 503
    assert error_of(answer)["message"].startswith(
        "the dataset's declaration cannot be read now; its operator"
    )


def test_jobs_are_listed_by_page_the_newest_first(admin: Somebody) -> None:
    ids = [admin.post(JOBS, json=a_job(admin)).json()["job_id"] for _ in range(3)]

    first = admin.get(JOBS, params={"size": 2}).json()
    assert (first["count"], first["page"], first["size"], first["previous"]) == (3, 1, 2, None)
    assert [job["job_id"] for job in first["results"]] == ids[:0:-1]
    second = admin.get(first["next"]).json()
    assert (second["page"], second["next"]) == (2, None)
    assert [job["job_id"] for job in second["results"]] == ids[:1]
    assert admin.get(second["previous"]).json() == first
    assert admin.get(JOBS, params={"page": 9}).json()["results"] == []


def test_jobs_are_listed_by_project_and_type(admin: Somebody) -> None:
    for project in ("site", "shop", None):
        assert admin.post(JOBS, json=a_job(admin, project=project)).status_code == 201

    def count(**wanted: str) -> int:
        listed = admin.get(JOBS, params=wanted).json()
        assert len(listed["results"]) == listed["count"]
        return int(listed["count"])

    assert (count(), count(project="shop"), count(project="none")) == (3, 1, 0)
    assert (count(job_type="export"), count(job_type="urls_ai_data")) == (3, 0)
    refused = admin.get(JOBS, params={"analysis": "20260105"})
    assert (refused.status_code, [*error_of(refused)["error_detail"]]) == (400, ["analysis"])


def test_a_job_names_a_connector_by_its_id(admin: Somebody) -> None:
    admin.post("/connectors/acme-lake", json=a_connector())
    listed = admin.get(f"/v1/connectors/{admin.organization}").json()["results"]
    extra = {"subdirectory": "$user/$project", "filename": "botify-$crawl.day_2digits.csv.gz"}

    made = admin.post(JOBS, json=a_job(admin, connector=listed[0]["id"], extra_config=extra))

    assert made.status_code == 201
    assert made.json()["payload"]["connector"] == listed[0]["id"]


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"connector": "12345678-abcd"}, "payload.connector", "1020"),
        ({"connector": None}, "payload.connector", "1016"),
        ({"formatter": "xml"}, "payload.formatter", "1020"),
        ({"formatter_config": {"header_format": "x"}}, "payload.formatter_config.header_format", "1020"),
        ({"formatter_config": {"delimiter": '"'}}, "payload.formatter_config.delimiter", "1020"),
        ({"extra_config": {"filename": "x.csv.gz"}}, "payload.extra_config", "1020"),
        ({"export_size": 0}, "payload.export_size", "1020"),
        ({"export_size": 1_000_001}, "payload.export_size", "1020"),
        ({"project": "a/b"}, "payload.project", "1020"),
        ({"colour": "red"}, "payload.colour", "1020"),
        ({"query": {"collections": ["nothing"]}}, "payload.query.collections.0", "1020"),
        ({"query": {"collections": "events"}}, "payload.query.collections", "1020"),
        ({"query": {"periods": [["2999-01-01", "2999-01-02"]]}}, "payload.query.periods", "1020"),
        ({"query": {"periods": [["2020-01-01", "2026-01-02"]]}}, "payload.query.periods", "1020"),
        (
            {"query": {"query": {"dimensions": ["events.nothing"]}}},
            "payload.query.query.dimensions.0",
            "1029",
        ),
        (
            {"query": {"query": {"filters": {"field": "events.id", "value": "text"}}}},
            "payload.query.query.filters",
            "1020",
        ),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_made(
    admin: Somebody, changes: dict[str, Any], field: str, code: str
) -> None:
    refused = admin.post(JOBS, json=a_job(admin, **changes))

    assert refused.status_code == 400
    error = error_of(refused)
    assert (error["error_code"], [*error["error_detail"]]) == (code, [field])
    assert admin.get(JOBS).json()["count"] == 0


@pytest.mark.parametrize("job_type", ["urls_ai_data", None])
def test_no_other_job_is_done(admin: Somebody, job_type: str | None) -> None:
    refused = admin.post(JOBS, json={**a_job(admin), "job_type": job_type})

    assert (refused.status_code, error_of(refused)["error_code"]) == (400, "1020")


def test_what_is_too_long_to_be_kept_is_too_big(admin: Somebody) -> None:
    refused = admin.post(JOBS, json={**a_job(admin), "metadata": {"text": "x" * 70_000}})

    assert (refused.status_code, error_of(refused)["error_code"]) == (400, "1043")


def test_what_is_nested_too_deep_to_be_shown_again_is_not_taken(admin: Somebody) -> None:
    deep: dict[str, Any] = {}
    for _ in range(320):
        deep = {"a": deep}

    refused = admin.post(JOBS, json={**a_job(admin), "metadata": deep})

    assert (refused.status_code, error_of(refused)["error_code"]) == (400, "1043")
    assert admin.get(JOBS).json()["count"] == 0


def test_two_ranges_do_not_share_a_file_of_one_name(admin: Somebody) -> None:
    admin.post("/connectors/acme-lake", json=a_connector())
    extra = {"subdirectory": "botify"}

    def ask(day: str) -> httpx.Response:
        query = {"periods": [[day, day]]}
        return admin.post(JOBS, json=a_job(admin, connector="acme-lake", extra_config=extra, query=query))

    assert ask("2026-01-05").status_code == 201
    assert ask("2026-01-05").status_code == 201
    refused = ask("2026-01-06")
    assert (refused.status_code, [*error_of(refused)["error_detail"]]) == (400, ["payload.query.periods"])


def test_who_may_not_is_told_so(api: Api, admin: Somebody) -> None:
    made = admin.post(JOBS, json=a_job(admin)).json()

    with api.client() as nobody:
        assert error_of(nobody.get(JOBS))["error_code"] == "1001"
        assert nobody.get(JOBS).status_code == 401
    with api.client(api.key(admin.organization, "exports:view")) as viewer:
        refused = viewer.post(JOBS, json=a_job(admin))
        assert (refused.status_code, error_of(refused)["error_code"]) == (403, "1002")
        assert viewer.get(made["job_url"]).status_code == 200
    with api.client(api.key(api.organization())) as other:
        refused = other.get(made["job_url"])
        assert (refused.status_code, error_of(refused)["error_code"]) == (404, "1059")
        assert other.get(JOBS).json()["count"] == 0
        refused = other.post(JOBS, json=a_job(admin))
        assert (refused.status_code, error_of(refused)["error_code"]) == (404, "1010")


def test_another_method_and_another_address_are_refused_in_its_words(admin: Somebody) -> None:
    assert error_of(admin.http.delete(f"{JOBS}/7"))["error_code"] == "1039"
    assert error_of(admin.get(f"{JOBS}/7"))["error_code"] == "1059"
    assert error_of(admin.post(JOBS, content=b"{"))["error_code"] == "1020"
