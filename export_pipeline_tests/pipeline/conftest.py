"""An installation of its own for each test, with a small source."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from export_pipeline_tests.installations import Installation, an_installation


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with an_installation(tmp_path / "home") as made:
        yield made
