"""Coordinators wait for contributors, and keep nobody else waiting meanwhile."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from export_pipeline.store.data_connectors import find_data_connector, lock_data_connector
from export_pipeline.store.database import writing
from export_pipeline.store.entity_types import find_entity_type
from export_pipeline_tests.api.bitbroker.parties import CONNECTOR, a_contributor, an_entity_type
from export_pipeline_tests.api.conftest import Api, Somebody
from export_pipeline_tests.contributing import WIKIPEDIA

MANY = 60


@pytest.mark.parametrize(
    ("method", "path", "status"), [("POST", "/live", 204), ("DELETE", "/live", 204), ("PUT", "", 204)]
)
def test_coordinators_wait_like_contributors(
    two_apis: tuple[Api, Api], method: str, path: str, status: int
) -> None:
    api, _ = two_apis
    ours, theirs = api.organization(), api.organization()
    with api.client(api.key(ours)) as us, api.client(api.key(theirs)) as them, ExitStack() as opened:
        an_entity_type(Somebody(ours, us))
        opened.enter_context(a_contributor(api, Somebody(ours, us)))
        threads = opened.enter_context(ThreadPoolExecutor(MANY))
        with writing(api.installation.deployment.control) as closing:
            entity = find_entity_type(closing, ours, "country")
            lock_data_connector(closing, find_data_connector(closing, entity, "wikipedia").id)
            asking = [
                threads.submit(us.request, method, f"{CONNECTOR}{path}", json=WIKIPEDIA) for _ in range(MANY)
            ]
            time.sleep(1)  # they are under way
            assert [them.get("/v1/entity").status_code for _ in range(20)] == [200] * 20
        assert {one.result().status_code for one in asking} == {status}
