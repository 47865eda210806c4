"""Whether the service can do its work."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import psycopg
import pytest
from sqlalchemy import make_url

from export_pipeline.api.native.health import sensors_seen
from export_pipeline.store.database import writing
from export_pipeline.store.signs_of_life import SENSORS, note_life
from export_pipeline_tests.api.conftest import Api, serving
from export_pipeline_tests.installations import an_installation
from export_pipeline_tests.servers.postgres import fresh_database, hanging, running_postgres

# More requests than the process has threads for, and more load balancers than there are.
WAITING, ASKING = 45, 10


def test_it_is_ready_while_its_database_answers(api: Api) -> None:
    answer = httpx.get(f"{api.url}/readyz")

    assert (answer.status_code, answer.json()["status"]) == (200, "ready")


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_load_balancer_may_ask_with_head(api: Api, path: str) -> None:
    answer = httpx.head(api.url + path)

    assert (answer.status_code, answer.content) == (200, b"")


def test_it_says_when_the_sensors_were_seen_and_is_ready_without_them(api: Api) -> None:
    before = httpx.get(f"{api.url}/readyz").json()
    with writing(api.installation.deployment.control) as connection:
        note_life(connection, SENSORS, datetime.now(UTC))
    seen = httpx.get(f"{api.url}/readyz").json()
    with writing(api.installation.deployment.control) as connection:
        note_life(connection, SENSORS, datetime.now(UTC) - timedelta(hours=2))
    long_ago = httpx.get(f"{api.url}/readyz")

    assert before["dagster"]["said"].startswith("never seen")
    assert seen["dagster"]["status"] == "up"
    assert long_ago.status_code == 200
    assert long_ago.json()["dagster"]["said"].startswith("not seen for 2:00:0")


@pytest.mark.parametrize(
    ("ago", "status", "said"),
    [
        (timedelta(seconds=-1), "up", "seen 0 s ago"),
        (timedelta(seconds=4.2), "up", "seen 4 s ago"),
        (timedelta(seconds=60), "up", "seen 60 s ago"),
        (timedelta(seconds=61), "down", "not seen for 0:01:01; is the Dagster daemon running?"),
        (timedelta(days=2), "down", "not seen for 2 days, 0:00:00; is the Dagster daemon running?"),
    ],
)
def test_sensors_are_down_when_they_were_not_seen_for_a_minute(
    ago: timedelta, status: str, said: str
) -> None:
    now = datetime(2026, 1, 5, tzinfo=UTC)
    found = sensors_seen(now - ago, now)
    assert (found.status, found.said) == (status, said)


ONE_OF_EACH_FACE = (
    "/api/v1/exports",
    "/v1/analytics/exports",
    "/rest/ua/v15/exports?org=acme",
    "/v1/jobs",
    "/connectors",
    "/v1/entity",
)


def test_without_its_database_it_lives_and_is_not_ready(postgres_url: str, tmp_path: Path) -> None:
    with (
        fresh_database(postgres_url) as control_url,
        an_installation(tmp_path / "home") as installation,
        serving(installation, tmp_path / "log", EXPORT_PIPELINE_CONTROL_URL=control_url) as url,
    ):
        assert httpx.get(f"{url}/readyz").status_code == 200
        with closing(psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True)) as administrator:
            name = make_url(control_url).database
            administrator.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'.encode())
            administrator.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
            )

        assert httpx.get(f"{url}/healthz").status_code == 200
        unready = httpx.get(f"{url}/readyz")
        others = [httpx.get(f"{url}{path}", headers={"X-Api-Key": "ep-any"}) for path in ONE_OF_EACH_FACE]

    assert (unready.status_code, unready.headers["Retry-After"]) == (503, "5")
    assert (unready.json()["status"], unready.json()["control_database"]) == ("unready", "down")
    assert unready.json()["dagster"]["status"] == "unknown"
    assert [(answer.status_code, answer.headers["Retry-After"]) for answer in others] == [(503, "5")] * 6
    assert all("the control database is busy or away; ask again" in answer.text for answer in others[:-1])


@pytest.fixture
def own_postgres() -> Iterator[str]:
    """A server that nobody else needs."""
    with running_postgres() as url:
        yield url


def test_with_a_database_that_hangs_it_is_not_ready_in_time(own_postgres: str, tmp_path: Path) -> None:
    """However many requests wait for it meanwhile; and it is ready when the database answers again."""
    with (
        an_installation(tmp_path / "home") as installation,
        serving(installation, tmp_path / "log", EXPORT_PIPELINE_CONTROL_URL=own_postgres) as url,
        ThreadPoolExecutor(WAITING + ASKING) as threads,
    ):
        assert httpx.get(f"{url}/readyz").status_code == 200
        with hanging(own_postgres):
            waiting = [
                threads.submit(
                    httpx.get, f"{url}/api/v1/exports", headers={"X-Api-Key": "ep-any"}, timeout=60
                )
                for _ in range(WAITING)
            ]
            unready = [
                answer.result()
                for _ in range(2)
                for answer in [threads.submit(httpx.get, f"{url}/readyz", timeout=30) for _ in range(ASKING)]
            ]
            alive = httpx.get(f"{url}/healthz")
        others = {request.result().status_code for request in waiting}
        ready = httpx.get(f"{url}/readyz", timeout=30)

    assert {(answer.status_code, answer.headers["Retry-After"]) for answer in unready} == {(503, "5")}
    assert unready[0].json()["control_database"] == "down"
    assert max(answer.elapsed for answer in unready) < timedelta(seconds=5)
    assert alive.status_code == 200
    assert others == {401}
    assert ready.status_code == 200
