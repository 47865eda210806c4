"""Rows are counted while somebody waits: for so long, and so many at once."""

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
import pytest
from sqlalchemy import make_url

from export_pipeline.control.estimates import COUNTING_LIMIT, COUNTS_AT_ONCE, COUNTS_OF_ONE
from export_pipeline_tests.api.conftest import DEFINITION, Api, Somebody, serving
from export_pipeline_tests.installations import an_installation

DRY_RUN, ESTIMATE = "/api/v1/exports/dry-run", "/rest/ua/v15/exports/estimate"
ASKED = {"name": "tried", "connector": "lake", "definition": {**DEFINITION, "subdirectory": "tried"}}
RANGE = {"from": "2026-01-05T00:00:00.000Z", "to": "2026-01-05T03:59:59.999Z"}

EVENTS = """
CREATE TABLE events (happened_at timestamptz NOT NULL, id bigint NOT NULL, kind text, amount numeric(12, 2));
INSERT INTO events VALUES ('2026-01-05T01:00:00Z', 1, 'one', 1.5), ('2026-01-05T02:00:00Z', 2, NULL, NULL)
"""

# Half a second of work before the first row, so that counts that begin together are under way together.
SLOW = """
SELECT raw.* FROM raw, (SELECT max(md5(i::VARCHAR)) AS most FROM range(2000000) numbers(i)) WHERE most > ''
"""

SECONDS_TO_BEGIN = 60


@dataclass(frozen=True)
class Counting:
    """The API on a source in which nothing can be counted while `holding` holds its table."""

    api: Api
    source_url: str

    def hold(self) -> psycopg.Connection:
        """A transaction that has the table for itself, until it is closed."""
        holding = psycopg.connect(self.source_url)
        holding.execute("LOCK TABLE events")
        return holding

    def waiting(self) -> int:
        """How many counts wait for the table."""
        with psycopg.connect(self.source_url) as connection:
            found = connection.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()
        assert found is not None
        return int(found[0])


@pytest.fixture
def counting(postgres_database: str, tmp_path: Path) -> Iterator[Counting]:
    plain = make_url(postgres_database).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection:
        connection.execute(EVENTS)
    with (
        an_installation(tmp_path / "home") as installation,
        serving(installation, tmp_path / "log", EVENTS_URL=plain) as url,
    ):
        yield Counting(Api(url, installation, tmp_path / "log"), plain)


def test_no_more_than_some_are_counted_at_once(counting: Counting) -> None:
    """The next is told at once when to come again, by each face in its own words; others do not wait."""
    api = counting.api
    keys = [_key(api) for _ in range(COUNTS_AT_ONCE // COUNTS_OF_ONE)]
    key = _key(api)
    with counting.hold() as holding, ThreadPoolExecutor(COUNTS_AT_ONCE) as threads:
        counts = [threads.submit(_dry_run, api, one) for one in keys for _ in range(COUNTS_OF_ONE)]
        _until_they_wait(counting, counts)

        refused, coveo, others = _asked(api, key)
        holding.rollback()
        answers = [count.result() for count in counts]

    assert (refused.status_code, coveo.status_code, others.status_code) == (503, 503, 200)
    assert "are being counted; ask again" in refused.json()["detail"]
    assert coveo.json()["type"] == "ServiceUnavailable"
    assert refused.headers["Retry-After"] == coveo.headers["Retry-After"] == "5"
    assert [answer.json()["rows"] for answer in answers] == [{"events": 2}] * COUNTS_AT_ONCE
    assert _dry_run(api, key).status_code == 200  # there is room again


def test_who_has_many_counted_keeps_no_other_from_counting(counting: Counting) -> None:
    api = counting.api
    key, other = _key(api), _key(api)
    with counting.hold() as holding, ThreadPoolExecutor(COUNTS_AT_ONCE) as threads:
        counts = [threads.submit(_dry_run, api, key) for _ in range(COUNTS_OF_ONE)]
        _until_they_wait(counting, counts)

        refused, coveo, others = _asked(api, key)
        counts.append(threads.submit(_dry_run, api, other))
        _until_they_wait(counting, counts)
        holding.rollback()
        answers = [count.result() for count in counts]

    assert (refused.status_code, coveo.status_code, others.status_code) == (429, 429, 200)
    assert "2 counts of your organization are under way" in refused.json()["detail"]
    assert refused.headers["Retry-After"] == coveo.headers["Retry-After"] == "5"
    assert [answer.json()["rows"] for answer in answers] == [{"events": 2}] * len(counts)
    assert _dry_run(api, key).status_code == 200  # there is room again


def test_a_file_of_duckdb_is_counted_by_as_many_at_once(tmp_path: Path) -> None:
    """DuckDB lets a process open a file in one way only: all who count must share it."""
    with an_installation(tmp_path / "home") as installation:
        installation.change_source("ALTER TABLE events RENAME TO raw")
        installation.change_source(f"CREATE VIEW events AS {SLOW}")
        with serving(installation, tmp_path / "log") as url, ThreadPoolExecutor(COUNTS_AT_ONCE) as threads:
            api = Api(url, installation, tmp_path / "log")
            keys = [_key(api) for _ in range(COUNTS_AT_ONCE // COUNTS_OF_ONE)]
            counts = [threads.submit(_dry_run, api, key) for key in keys for _ in range(COUNTS_OF_ONE)]
            answers = [count.result() for count in counts]

    assert [answer.status_code for answer in answers] == [200] * COUNTS_AT_ONCE, [
        answer.text for answer in answers
    ]
    assert {answer.json()["rows"]["events"] for answer in answers} == {460}


@pytest.mark.slow  # it waits for as long as clients do
def test_who_waits_for_a_count_is_told_when_it_takes_too_long(counting: Counting) -> None:
    api = counting.api
    key = _key(api)
    with counting.hold():
        began = time.monotonic()
        answer = _dry_run(api, key)
        took = time.monotonic() - began

    assert answer.status_code == 503
    assert "within 20 s; ask for a shorter range" in answer.json()["detail"]
    assert took >= COUNTING_LIMIT.total_seconds()
    assert _dry_run(api, key).json()["rows"] == {"events": 2}


def _key(api: Api) -> str:
    """Of an organization with a connector."""
    organization = api.organization()
    key = api.key(organization)
    with api.client(key) as http:
        Somebody(organization, http).lake()
    return key


def _dry_run(api: Api, key: str) -> httpx.Response:
    with api.client(key) as http:
        return http.post(DRY_RUN, json=ASKED)


def _asked(api: Api, key: str) -> tuple[httpx.Response, httpx.Response, httpx.Response]:
    """A count by two faces, and something that is not counted."""
    with api.client(key) as http:
        return http.post(DRY_RUN, json=ASKED), http.get(ESTIMATE, params=RANGE), http.get("/api/v1/exports")


def _until_they_wait(counting: Counting, counts: list[Future[httpx.Response]]) -> None:
    give_up = time.monotonic() + SECONDS_TO_BEGIN
    while counting.waiting() < len(counts):
        assert not any(count.done() for count in counts), [count.result().text for count in counts]
        assert time.monotonic() < give_up
        time.sleep(0.05)
