"""Links lead to where clients reach us, and each part's root says what it is."""

from datetime import datetime
from pathlib import Path

import httpx
import pytest

from export_pipeline_tests.api.bitbroker.parties import an_entity_type
from export_pipeline_tests.api.conftest import Api, Somebody, serving


@pytest.mark.parametrize(
    ("base", "part"),
    [("/v1", "coordinator"), ("/contributor/v1", "contributor"), ("/consumer/v1", "consumer")],
)
def test_each_part_says_what_it_is(api: Api, base: str, part: str) -> None:
    for path in (base, f"{base}/"):
        told = httpx.get(api.url + path).json()
        assert told.keys() == {"now", "name", "base", "status"}
        assert (told["name"], told["base"]) == (f"export-pipeline {part}", api.url + base)
        assert datetime.fromisoformat(told["now"]).tzinfo is not None


def test_links_are_those_of_the_address_that_clients_know(api: Api, admin: Somebody, tmp_path: Path) -> None:
    an_entity_type(admin)
    known = "https://data.example/exports"
    with (
        serving(
            api.installation,
            tmp_path / "log",
            EXPORT_PIPELINE_API_URL=known,
            EXPORT_PIPELINE_COORDINATOR_BASE="/coordinator/v1",
            EXPORT_PIPELINE_CONSUMER_BASE="/c",
        ) as url,
        httpx.Client(base_url=url, headers=admin.http.headers) as http,
    ):
        (coordinators,) = http.get("/coordinator/v1/entity").json()
        (consumers,) = http.get("/c/entity").json()
        assert http.get("/v1/entity").status_code == 404
        assert http.get("/consumer/v1/entity").status_code == 404

    assert coordinators["url"] == f"{known}/coordinator/v1/entity/country"
    assert consumers["url"] == f"{known}/c/entity/country"
