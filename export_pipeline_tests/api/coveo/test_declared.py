"""A declaration that cannot be read is told as in every face: whose it is to mend, and not where it lies."""

from pathlib import Path

from export_pipeline_tests.api.conftest import Api, Somebody, serving
from export_pipeline_tests.contributed import an_entity_type
from export_pipeline_tests.installations import an_installation

FACE = "/rest/ua/v15"
RANGE = {"from": "2026-01-05T00:00:00.000Z", "to": "2026-01-05T03:59:59.999Z"}
SCHEDULE = {"frequency": "DAILY", "timezone": "UTC", "tables": ["events"]}


def test_whoever_asks_is_told_whose_it_is_to_mend(tmp_path: Path) -> None:
    with (
        an_installation(tmp_path / "home") as installation,
        serving(installation, tmp_path / "log") as url,
    ):
        api = Api(url, installation, tmp_path / "log")
        with api.client(api.key(api.organization())) as http:
            made = http.post(f"{FACE}/exports/schedules", json=SCHEDULE)
            (installation.folder / "dataset.toml").write_text("[source\n")
            answers = [
                http.get(f"{FACE}/dimensions"),
                http.get(f"{FACE}/exports/estimate", params=RANGE),
                http.post(f"{FACE}/exports", params=RANGE),
                http.post(f"{FACE}/exports/schedules", json=SCHEDULE),
                http.put(f"{FACE}/exports/schedules/{made.json()['id']}", json=SCHEDULE),
            ]

    assert made.status_code == 201, made.text
    assert [answer.status_code for answer in answers] == [503] * len(answers)
    for answer in answers:
        assert answer.json()["message"].startswith(
            "the dataset's declaration cannot be read now; its operator"
        )
    assert "dataset.toml:1:8: this is not TOML" in (tmp_path / "log").read_text()


def test_what_third_parties_contribute_is_none_of_it(api: Api, admin: Somebody) -> None:
    before = admin.get(f"{FACE}/dimensions").json()
    an_entity_type(api.installation.deployment.control, organization=admin.organization)

    assert "country" in {table["name"] for table in admin.get("/api/v1/dataset").json()["tables"]}
    assert admin.get(f"{FACE}/dimensions").json() == before
