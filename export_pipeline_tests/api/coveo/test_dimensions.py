"""Dimensions: every column once, and what may be said of it."""

import pytest

from export_pipeline_tests.api.coveo.conftest import Client


@pytest.mark.parametrize("path", ["", "/exportables"])
def test_every_column_is_a_dimension_once(coveo: Client, path: str) -> None:
    found = {one["returnName"]: one for one in coveo.http.get(f"/rest/ua/v15/dimensions{path}").json()}

    assert found["originLevel1"] == {
        "apiNames": ["originLevel1"],
        "returnName": "originLevel1",
        "displayName": "Origin 1 (Page)",
        "type": "TEXT",
        "eventTypes": ["SEARCH", "CLICK", "CUSTOM"],
        "availableInVisit": True,
        "custom": False,
        "status": "AVAILABLE",
        "path": [],
    }
    types = {name: one["type"] for name, one in found.items()}
    assert (types["datetime"], types["mobile"], types["clickRank"], types["numberOfResults"]) == (
        "DATETIME",
        "BOOLEAN",
        "SHORT",
        "NUMBER",
    )
    assert found["keyword"]["eventTypes"] == ["KEYWORDS"]
    assert found["keyword"]["availableInVisit"] is False


def test_each_of_them_can_be_exported(coveo: Client) -> None:
    names = [one["returnName"] for one in coveo.http.get("/rest/ua/v15/dimensions/exportables").json()]

    assert len(coveo.create(dimensions=names)["tables"]) == 5
