"""The engines as a fixture: a test that takes `engine` runs on each of them."""

from collections.abc import Iterator

import pytest

from export_pipeline_tests.filters.engines import ENGINES, Engine


@pytest.fixture(scope="session", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    with ENGINES[request.param](request) as opened:
        yield opened
