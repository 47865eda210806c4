"""docs/retention.md: its settings are those there are, and its commands do what they say."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from export_pipeline.orchestration.retention import DAILY, retention, retention_daily
from export_pipeline.settings import MOST_DAYS, Settings
from export_pipeline.store.database import writing
from export_pipeline.store.schema import HOURS
from export_pipeline_tests.docs.pages import blocks, page, tables
from export_pipeline_tests.installations import FIRST, an_installation, hours
from export_pipeline_tests.runs import deliver

PAGE = page("retention.md")
SETTINGS, _ = tables(PAGE)


def test_the_settings_have_these_defaults() -> None:
    for variable, _, default in SETTINGS:
        field = Settings.model_fields[variable.removeprefix("EXPORT_PIPELINE_").lower()]
        assert field.default == (None if default == "for ever" else int(default)), variable
    assert f"{MOST_DAYS:,} days are the most" in PAGE


def test_the_job_and_its_schedule_are_called_so() -> None:
    minute, hour, *_ = DAILY.split()
    assert f"at {int(hour):02}:{int(minute):02} UTC" in PAGE
    assert f"The job `{retention.name}`" in PAGE
    assert f"its schedule, `{retention_daily.name}`" in PAGE


def test_the_commands_let_go_of_what_is_old(tmp_path: Path) -> None:
    with an_installation(tmp_path / "home") as installation:
        deliver(installation, installation.export(), hours(0, 2))
        with writing(installation.deployment.control) as connection:
            old = {"proven_at": datetime.now(UTC) - timedelta(days=31)}
            connection.execute(HOURS.update().where(HOURS.c.hour > FIRST).values(old))
        size = sum(path.stat().st_size for path in (installation.downloads / "events").glob("*0[12]-00.csv"))
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        ran = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", *blocks(PAGE, "sh")],
            env={**os.environ, **installation.variables, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        left = sorted(path.name for path in (installation.downloads / "events").glob("*.csv"))

    assert ran.returncode == 0, ran.stdout + ran.stderr
    would, did = (
        ran.stdout.index(f"files of 2 hours {how}, {size:,} bytes") for how in ("would be deleted", "deleted")
    )
    assert would < did
    today = datetime.now(UTC).date()
    assert f"files of 2 hours expired on {today}" in ran.stdout
    assert left == ["2026-01-05-00-00.csv"]
