"""An installation whose Dagster definitions can be loaded, and a Dagster instance in a folder of the test."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from export_pipeline_tests.installations import Installation, an_installation


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    """The environment names it, as it would for Dagster's processes."""
    with an_installation(tmp_path / "home") as made:
        for name, value in made.variables.items():
            monkeypatch.setenv(name, value)
        yield made


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as made:
        yield made
