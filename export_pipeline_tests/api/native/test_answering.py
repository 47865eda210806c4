"""The native face's problem documents."""

from export_pipeline_tests.api.conftest import Somebody


def test_a_problem_is_a_document_of_the_standard(admin: Somebody) -> None:
    refused = admin.post("/api/v1/keys", json={"name": "", "privileges": ["admin"]})

    assert refused.headers["Content-Type"] == "application/problem+json"
    problem = refused.json()
    assert (problem["type"], problem["title"], problem["status"]) == ("about:blank", "Bad Request", 400)
    assert problem["request_id"] == refused.headers["X-Request-ID"]
    assert [fault["field"] for fault in problem["faults"]] == ["name"]


def test_every_route_documents_what_it_answers_when_it_refuses(admin: Somebody) -> None:
    paths = admin.get("/openapi.json").json()["paths"]
    routes = [
        route for path, of_path in paths.items() if path.startswith("/api/") for route in of_path.values()
    ]

    assert routes
    assert all({"400", "401", "403", "429"} <= set(route["responses"]) for route in routes)
