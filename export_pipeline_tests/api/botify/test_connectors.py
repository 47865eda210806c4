"""The backends of an organization, as the document lists them."""

from export_pipeline_tests.api.conftest import Api, Somebody
from export_pipeline_tests.api.managed.payloads import a_payload


def test_a_new_organization_has_direct_download(admin: Somebody) -> None:
    listed = admin.get(f"/v1/connectors/{admin.organization}").json()

    assert listed == {
        "count": 1,
        "next": None,
        "previous": None,
        "results": [{"id": "direct_download", "type": "direct_download", "name": "Direct download"}],
    }


def test_backends_are_listed_by_where_they_lead(admin: Somebody) -> None:
    admin.post("/connectors/lake", json=a_payload("AmazonS3"))
    admin.post("/connectors/press", json={"storage_type": "HttpData", "storage_config": {}})
    admin.post("/connectors/receiver", json=a_payload("HttpData"))

    answer = admin.get(f"/v1/connectors/{admin.organization}")

    shown = [(one["type"], one["name"]) for one in answer.json()["results"]]
    assert shown == [
        ("s3", "s3://acme-exports"),
        ("direct_download", "press"),
        ("http", "https://receiver.example.com/$key"),
        ("direct_download", "Direct download"),
    ]
    assert "secret" not in answer.text


def test_they_are_listed_by_page(admin: Somebody) -> None:
    admin.post("/connectors/lake", json=a_payload("AmazonS3"))
    path = f"/v1/connectors/{admin.organization}"

    first = admin.get(path, params={"size": 1}).json()
    last = admin.get(first["next"]).json()

    assert (first["count"], last["count"], last["next"]) == (2, 2, None)
    assert [one["results"][0]["type"] for one in (first, last)] == ["s3", "direct_download"]


def test_anothers_are_not_there(api: Api, admin: Somebody) -> None:
    other = api.organization()

    refused = admin.get(f"/v1/connectors/{other}")

    assert (refused.status_code, refused.json()["error"]["error_code"]) == (404, "1010")
    with api.client(api.key(admin.organization, "exports:view")) as http:
        assert http.get(f"/v1/connectors/{admin.organization}").status_code == 403
    with api.client(api.key(admin.organization, also=[other])) as http:
        assert http.get(f"/v1/connectors/{other}").json()["count"] == 1
