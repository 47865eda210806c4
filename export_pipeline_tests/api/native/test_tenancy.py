"""Nobody sees or changes what is another organization's: each route of the description is tried."""

from export_pipeline_tests.api.conftest import Api, Somebody
from export_pipeline_tests.api.native.every_route import every_route, make_things, shown


def test_anothers_things_are_not_there_by_any_route(api: Api, admin: Somebody) -> None:
    things = make_things(api, admin)
    routes = every_route(api.url)
    before = dict(shown(admin, things, routes))
    named = [route for route in routes if "{" in route.path]
    assert len(named) > 20

    with api.client(api.key(api.organization())) as http:
        answers = {
            str(route): http.request(route.method, things.address(route), json=route.body) for route in named
        }

    assert {route: answer.status_code for route, answer in answers.items()} == dict.fromkeys(answers, 404)
    assert dict(shown(admin, things, routes)) == before


def test_no_list_shows_anothers_things(api: Api, admin: Somebody) -> None:
    things = make_things(api, admin)
    lists = [route for route in every_route(api.url) if route.method == "GET" and "{" not in route.path]
    lists = [route for route in lists if route.path != "/api/v1/dataset"]  # everybody's
    assert len(lists) >= 6

    with api.client(api.key(api.organization())) as http:
        for route in lists:
            text = http.get(route.path).text
            assert not [id_ for id_ in things.ids.values() if f'"{id_}"' in text], route
            assert admin.organization not in text, route


def test_an_organization_that_a_key_was_not_given_is_not_there(api: Api, admin: Somebody) -> None:
    things = make_things(api, admin)
    theirs = {"X-Tenant-Org-Id": admin.organization}
    with api.client(api.key(api.organization()), **theirs) as http:
        for route in every_route(api.url):
            answer = http.request(route.method, things.address(route), json=route.body)
            assert answer.status_code == 404, route


def test_anothers_connector_takes_no_export_and_anothers_export_no_task(api: Api, admin: Somebody) -> None:
    make_things(api, admin)
    with api.client(api.key(api.organization())) as http:
        stranger = Somebody("", http)
        stranger_task = {"export": "events", "since": "2026-01-05T01:00:00Z", "until": "2026-01-05T02:00:00Z"}
        assert stranger.post("/api/v1/tasks", json=stranger_task).status_code == 404
        assert stranger.get("/api/v1/tasks", params={"export": "events"}).status_code == 404
