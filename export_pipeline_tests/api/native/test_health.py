"""Whether the service can do its work."""

from contextlib import closing
from pathlib import Path

import httpx
import psycopg
from sqlalchemy import make_url

from export_pipeline_tests.api.conftest import Api, serving
from export_pipeline_tests.installations import an_installation
from export_pipeline_tests.servers.postgres import fresh_database


def test_it_is_ready_while_its_database_answers(api: Api) -> None:
    answer = httpx.get(f"{api.url}/readyz")

    assert (answer.status_code, answer.json()["status"]) == (200, "ready")


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

    assert unready.status_code == 503
    assert unready.json() == {"status": "unready", "control_database": "down"}
