"""Named filters over the API."""

from export_pipeline_tests.api.conftest import Somebody

FILTERS = "/api/v1/filters"


def test_a_filter_is_made_used_replaced_and_kept_while_it_is_used(admin: Somebody) -> None:
    admin.lake()
    made = admin.post(FILTERS, json={"name": "big", "text": "amount > 5"})
    assert made.status_code == 201
    admin.export(definition={"filter": "$big"})

    shown = admin.get(f"{FILTERS}/big")
    assert shown.json()["resolved"] == "amount > 5"
    assert shown.json()["exports"] == ["events"]
    replaced = admin.put(
        f"{FILTERS}/big", json={"text": "amount > 7"}, headers={"If-Match": shown.headers["ETag"]}
    )
    assert (replaced.status_code, replaced.json()["exports"]) == (200, ["events"])
    late = admin.put(f"{FILTERS}/big", json={"text": "true"}, headers={"If-Match": shown.headers["ETag"]})
    assert late.status_code == 412
    used = admin.delete(f"{FILTERS}/big")
    assert used.status_code == 409
    assert "export events" in used.json()["detail"]
    admin.delete("/api/v1/exports/events")
    assert admin.delete(f"{FILTERS}/big").json()["text"] == "amount > 7"
    assert admin.get(f"{FILTERS}/big").status_code == 404


def test_what_is_no_filter_is_refused_at_its_place(admin: Somebody) -> None:
    refused = admin.post(FILTERS, json={"name": "big", "text": "amount >"})

    assert refused.status_code == 400
    assert refused.json()["faults"][0]["field"] == "filter"
    assert admin.post(FILTERS, json={"name": "-", "text": "true"}).status_code == 400
    assert admin.get(FILTERS).json() == {"filters": [], "next": None}


def test_filters_are_listed_by_name_in_pages(admin: Somebody) -> None:
    for name in ("b", "a", "c"):
        admin.post(FILTERS, json={"name": name, "text": "true"})
    assert admin.post(FILTERS, json={"name": "a", "text": "true"}).status_code == 409

    first = admin.get(FILTERS, params={"limit": 2}).json()
    second = admin.get(FILTERS, params={"cursor": first["next"]}).json()

    assert [one["name"] for page in (first, second) for one in page["filters"]] == ["a", "b", "c"]
