"""Schedules over the API: made, shown, changed, ended."""

import pytest

from export_pipeline_tests.api.coveo.conftest import EXPORTS, Client

SCHEDULES = f"{EXPORTS}/schedules"

WEEKLY = {
    "frequency": "WEEKLY",
    "dayOfWeek": "FRIDAY",
    "timezone": "America/Montreal",
    "tables": ["SEARCHES", "clicks"],
    "dimensions": ["city"],
    "commonFilters": ["mobile==true"],
    "searchesFilters": ["city!=null"],
    "exportFormat": "NO_NEWLINE",
    "usingDisplayNames": True,
    "description": "every Friday",
    "notificationsEmails": ["a@example.com"],
}

SHOWN = {
    "author": "test",
    "frequency": "WEEKLY",
    "dayOfWeek": "FRIDAY",
    "timezone": "America/Montreal",
    "tables": ["searches", "clicks"],
    "dimensions": ["city"],
    "filters": {"commonFilters": "mobile==true", "searchesFilters": "city!=null"},
    "exportFormat": "NO_NEWLINE",
    "usingDisplayNames": True,
    "description": "every Friday",
    "notificationsEmails": ["a@example.com"],
}


def test_a_schedule_is_made_shown_changed_and_ended(coveo: Client) -> None:
    made = coveo.http.post(SCHEDULES, json=WEEKLY)

    assert made.status_code == 201, made.text
    one = f"{SCHEDULES}/{made.json()['id']}"
    assert made.json() == {**SHOWN, "id": made.json()["id"]}
    assert coveo.http.get(one).json() == made.json()
    assert coveo.http.get(SCHEDULES).json() == [made.json()]
    assert coveo.http.get(f"{one}/exports").json() == []
    changed = coveo.http.put(one, json={"frequency": "DAILY", "timezone": "UTC"})
    assert (changed.status_code, changed.json()["frequency"]) == (200, "DAILY")
    assert "dayOfWeek" not in changed.json()
    assert coveo.http.get(one).json() == changed.json()
    ended = coveo.http.delete(one)
    assert (ended.status_code, ended.content) == (204, b"")
    assert coveo.http.get(one).status_code == 404
    assert coveo.http.get(SCHEDULES).json() == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"frequency": "HOURLY"}, "frequency: must be one of DAILY, WEEKLY, MONTHLY"),
        ({"timezone": "Mars"}, "timezone: there is no such time zone"),
        ({"timezone": "Factory"}, "timezone: 'Factory' is no zone of a place"),
        ({"dayOfWeek": "FUNDAY"}, "dayOfWeek: must be one of MONDAY"),
        ({"exportFormat": "XML"}, "exportFormat: must be one of"),
        ({"tables": ["nothing"]}, "tables: there is no table 'nothing'"),
        ({"searchesFilters": ["city="]}, "searchesFilters: "),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_stored(
    coveo: Client, wrong: dict[str, object], said: str
) -> None:
    refused = coveo.http.post(SCHEDULES, json={**WEEKLY, **wrong})

    assert refused.status_code == 400
    assert refused.json()["message"].startswith(said), refused.json()
    assert coveo.http.get(SCHEDULES).json() == []


def test_schedules_are_ones_own_and_changed_by_who_may(coveo: Client) -> None:
    one = f"{SCHEDULES}/{coveo.http.post(SCHEDULES, json=WEEKLY).json()['id']}"
    with coveo.api.client(coveo.api.key(coveo.organization, "exports:view")) as viewer:
        assert viewer.get(one).status_code == 200
        assert viewer.post(SCHEDULES, json=WEEKLY).status_code == 403
        assert viewer.put(one, json=WEEKLY).status_code == 403
        assert viewer.delete(one).status_code == 403
    with coveo.api.client(coveo.api.key(coveo.api.organization())) as stranger:
        assert stranger.get(SCHEDULES).json() == []
        for method, path in (("GET", one), ("GET", f"{one}/exports"), ("PUT", one), ("DELETE", one)):
            answer = stranger.request(method, path, json=WEEKLY if method == "PUT" else None)
            assert answer.status_code == 404
