"""An installation of its own for each test; and what its time does to it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from export_pipeline.retention.retaining import Report, retain
from export_pipeline_tests.installations import Installation, an_installation


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with an_installation(tmp_path / "home") as made:
        yield made


def retained(
    installation: Installation, *, after_days: float = 0, dry_run: bool = False, **kept: Any
) -> Report:
    """What a run does so many days from now, by these settings."""
    settings = installation.deployment.settings.model_copy(update=kept)
    now = datetime.now(UTC) + timedelta(days=after_days)
    return retain(replace(installation.deployment, settings=settings), now=now, dry_run=dry_run)


def files(installation: Installation, slug: str = "events") -> list[str]:
    """The names of an export's files, without receipts."""
    return sorted(path.name for path in (installation.downloads / slug).glob("*") if path.is_file())


def receipts(installation: Installation, slug: str = "events") -> int:
    return len([*(installation.downloads / slug).glob("_receipts/**/*.json")])
