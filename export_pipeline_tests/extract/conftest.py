"""The engines as a fixture: a test that takes `engine` runs on each of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from export_pipeline_tests.extract.engines import ENGINES, Engine


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    with ENGINES[request.param].opened(request, tmp_path) as opened:
        yield opened
