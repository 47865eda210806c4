"""The face's addresses: both are its own, and what has a name comes before what is found by an id."""

import pytest

from export_pipeline.api.coveo.face import COVEO, PREFIXES


@pytest.mark.parametrize("prefix", PREFIXES)
def test_both_prefixes_are_its_own(prefix: str) -> None:
    assert COVEO.has(f"{prefix}/exports/x")
    assert not COVEO.has(prefix.replace("v15", "v14"))


@pytest.mark.parametrize("router", COVEO.routers)
def test_named_routes_come_before_those_by_id(router: object) -> None:
    paths = [route.path for route in router.routes]  # type: ignore[attr-defined]

    by_id = next(at for at, path in enumerate(paths) if path.endswith("/exports/{id}"))
    named = ("/exports/status", "/exports/rowLimit", "/exports/schedules")
    assert all(any(path.endswith(name) for path in paths[:by_id]) for name in named)
