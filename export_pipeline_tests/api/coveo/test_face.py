"""The face's addresses: both are its own, and what has a name comes before what is found by an id."""

import pytest

from export_pipeline.api.coveo.face import COVEO, PREFIXES
from export_pipeline_tests.api.coveo.conftest import Client


@pytest.mark.parametrize("prefix", PREFIXES)
def test_both_prefixes_are_its_own(prefix: str) -> None:
    assert COVEO.has(f"{prefix}/exports/x")
    assert not COVEO.has(prefix.replace("v15", "v14"))


def test_named_routes_come_before_those_by_id(coveo: Client) -> None:
    """Asked for by an id, each of them would be an export that there is not."""
    for prefix in PREFIXES:
        for name in ("status", "rowLimit", "schedules", "monitoring/health"):
            assert coveo.http.get(f"{prefix}/exports/{name}").status_code == 200
