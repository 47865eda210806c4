"""The Coveo document's story: a script asks for an export, Dagster makes it, the script joins its tables."""

import csv
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import httpx
import pytest

from export_pipeline.control.keys import create_key
from export_pipeline.demo.home import DemoHome
from export_pipeline.demo.samples import SEARCHES
from export_pipeline.deployment import Deployment
from export_pipeline.exports.recurring import Period
from export_pipeline.processes.dagster import Running, free_port
from export_pipeline.store.database import writing
from export_pipeline.store.schedules import change_schedule, find_schedule
from export_pipeline_tests.acceptance import coveo_script
from export_pipeline_tests.acceptance.conftest import SECONDS_TO_WAIT
from export_pipeline_tests.api.conftest import serving
from export_pipeline_tests.installations import Installation

EXPORTS = "/rest/ua/v15/exports"


@dataclass(frozen=True)
class World:
    """The sample, with Dagster and the API running on it, and a key."""

    home: DemoHome
    deployment: Deployment
    running: Running
    url: str
    key: str

    def http(self) -> httpx.Client:
        return httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {self.key}"},
            follow_redirects=True,
            timeout=60,
        )

    def wait(self, done: Callable[[], bool], what: str) -> None:
        give_up = time.monotonic() + SECONDS_TO_WAIT
        while not done():
            self.running.check()
            assert time.monotonic() < give_up, f"not within {SECONDS_TO_WAIT} s: {what}"
            time.sleep(0.5)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home = DemoHome(tmp_path_factory.mktemp("coveo") / "home", SEARCHES)
    home.prepare()
    deployment = home.open({})
    with writing(deployment.control) as connection:
        key = create_key(connection, organization="default", name="script", privileges=["exports:edit"]).text
    installation = Installation(home.folder, deployment)
    with (
        home.instance(os.environ).webserver(free_port()) as (_, running),
        serving(installation, home.folder / "api.log", **home.variables) as url,
    ):
        running.start_daemon()
        yield World(home, deployment, running, url, key)
    deployment.close()


def story(world: World, folder: Path, from_: str, to: str, *, seconds: float) -> None:
    """The script runs to its end, and what it joined is what the source holds."""
    ran = subprocess.run(
        [sys.executable, coveo_script.__file__, world.url, world.key, from_, to],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    with (folder / "allEvents.csv").open(newline="") as file:
        events = [*csv.DictReader(file)]
    order = [(event["visitId"], event["datetime"]) for event in events]
    assert order == sorted(order)
    assert Counter(event["c_eventType"] for event in events) == counts(world, from_, to)
    searches = {event["searchId"] for event in events if event["c_eventType"] == "Search"}
    visits = {event["visitId"] for event in events if event["c_eventType"] == "Search"}
    clicks = [event for event in events if event["c_eventType"] == "Click"]
    # A click whose search lies before the range has lost it.
    joined = [click for click in clicks if click["searchId"] in searches]
    assert len(joined) > 0.8 * len(clicks)
    assert {click["visitId"] for click in joined} <= visits


def counts(world: World, from_: str, to: str) -> dict[str, int]:
    """The events of the range in the source, its last millisecond included."""
    kinds = {"searches": "Search", "clicks": "Click", "custom_events": "Custom"}
    found = {}
    with duckdb.connect(str(world.home.database), read_only=True) as connection:
        for table, kind in kinds.items():
            rows = connection.execute(
                f"SELECT count(*) FROM {table} WHERE datetime >= ? AND datetime <= ?", [from_, to]
            ).fetchall()
            found[kind] = rows[0][0]
    return found


def test_the_documents_script_asks_waits_fetches_and_joins(world: World, tmp_path: Path) -> None:
    story(world, tmp_path, "2018-06-01T05:00:00.000Z", "2018-06-02T04:59:59.999Z", seconds=SECONDS_TO_WAIT)


@pytest.mark.slow
def test_it_does_so_with_the_documents_own_range(world: World, tmp_path: Path) -> None:
    """Nine months: 6,552 hours of five tables, in a file for each table."""
    story(world, tmp_path, "2018-06-01T05:00:00.000Z", "2019-03-01T04:59:59.999Z", seconds=7200)


def test_an_export_that_cannot_be_made_is_failed_and_says_why(world: World) -> None:
    with world.http() as http:
        made = http.post(
            EXPORTS, params={"from": "2018-06-01T05:00:00.000Z", "to": "2018-06-01T06:00:00.000Z"}
        ).json()
        declaration = world.home.folder / "dataset.toml"
        text = declaration.read_text()
        declaration.write_text(text.replace("[tables.keywords]", '[tables.keywords]\nrelation = "nowhere"'))
        try:
            world.wait(
                lambda: http.get(f"{EXPORTS}/{made['id']}").json()["status"] != "PENDING", "the export's end"
            )
        finally:
            declaration.write_text(text)
        ended = http.get(f"{EXPORTS}/{made['id']}").json()
        assert (ended["status"], ended["downloadable"], "downloadLink" in ended) == ("FAILED", False, False)
        assert "could not answer the query" in ended["errorInfo"]["message"]
        assert http.get(f"{EXPORTS}/{made['id']}", params={"redirect": "true"}).status_code == 409


def test_a_schedule_exports_each_day_once_also_those_that_were_missed(world: World) -> None:
    """Its next period is put back by two days, as if nothing had run since then."""
    with world.http() as http:
        asked = {"frequency": "DAILY", "timezone": "UTC", "tables": ["SEARCHES"], "description": "daily"}
        schedule = http.post(f"{EXPORTS}/schedules", json=asked).json()
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        with writing(world.deployment.control) as connection:
            stored = find_schedule(connection, "default", schedule["id"])
            first = Period(today - timedelta(days=2), today - timedelta(days=1))
            change_schedule(connection, replace(stored, next=first))

        made = f"{EXPORTS}/schedules/{schedule['id']}/exports"
        # The day that ended last is due ten minutes after its end.
        days = 2 if datetime.now(UTC) > today + timedelta(minutes=15) else 1
        world.wait(
            lambda: [one["status"] for one in http.get(made).json()] == ["AVAILABLE"] * days, "the exports"
        )
        found = http.get(made).json()
        spans = [(one["from"], one["to"] + 1) for one in reversed(found)]
        since = int((today - timedelta(days=2)).timestamp()) * 1000
        assert spans == [(since + day * 86_400_000, since + (day + 1) * 86_400_000) for day in range(days)]
        assert {one["scheduleId"] for one in found} == {schedule["id"]}
