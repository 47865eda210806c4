"""A key's limit holds for all processes together."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from export_pipeline.api.limiting import Limits
from export_pipeline.contributions.data_connectors import connector_profile
from export_pipeline.control.data_connectors import NewDataConnector, create_data_connector
from export_pipeline.control.keys import create_key
from export_pipeline.errors import TooManyRequests
from export_pipeline.store.api_keys import get_key
from export_pipeline.store.database import reading, writing
from export_pipeline.store.organizations import ensure_organization
from export_pipeline_tests.api.conftest import serving
from export_pipeline_tests.contributing import stored_entity
from export_pipeline_tests.installations import an_installation


@pytest.fixture
def key_id(control: sa.Engine) -> str:
    with writing(control) as connection:
        ensure_organization(connection, "acme")
        return create_key(connection, organization="acme", privileges=["admin"], name="k").key.id


def _taken(limits: Limits, key_id: str, number: int) -> int:
    """How many of so many requests are served."""

    def take(_: int) -> bool:
        with suppress(TooManyRequests):
            limits.take(key_id)
            return True
        return False

    with ThreadPoolExecutor(4) as pool:
        return sum(pool.map(take, range(number)))


def test_no_more_are_served_than_allowed(control: sa.Engine, key_id: str) -> None:
    processes = [Limits(control, per_minute=100) for _ in range(3)]

    began = datetime.now(UTC)
    served = sum(_taken(limits, key_id, 60) for limits in processes)
    windows = 1 + (datetime.now(UTC).minute != began.minute)

    assert 90 <= served <= 100 * windows


def test_who_is_refused_is_told_how_long_the_window_lasts(control: sa.Engine, key_id: str) -> None:
    limits = Limits(control, per_minute=1)

    with pytest.raises(TooManyRequests) as refused:
        _take_three(limits, key_id)  # two at most fall into two minutes

    assert 0 < refused.value.wait <= 60


def _take_three(limits: Limits, key_id: str) -> None:
    for _ in range(3):
        limits.take(key_id)


def test_a_keys_use_is_noted(control: sa.Engine, key_id: str) -> None:
    Limits(control, per_minute=10).take(key_id)

    with reading(control) as connection:
        assert get_key(connection, key_id).last_used_at is not None


def test_who_asks_too_often_hears_how_long_to_wait(tmp_path: Path) -> None:
    with (
        an_installation(tmp_path / "home") as installation,
        serving(installation, tmp_path / "log", EXPORT_PIPELINE_REQUESTS_PER_MINUTE="3") as url,
    ):
        with writing(installation.deployment.control) as connection:
            key = create_key(connection, organization="default", privileges=["admin"], name="k").text
        answers = [httpx.get(f"{url}/api/v1/keys", headers={"X-Api-Key": key}) for _ in range(9)]

    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) >= 3  # of nine, six at most fall into two minutes
    assert all(1 <= int(answer.headers["Retry-After"]) <= 60 for answer in refused)


def test_a_contributor_who_asks_too_often_hears_it_too_and_costs_no_other_its_turn(tmp_path: Path) -> None:
    with (
        an_installation(tmp_path / "home") as installation,
        serving(installation, tmp_path / "log", EXPORT_PIPELINE_REQUESTS_PER_MINUTE="3") as url,
    ):
        control = installation.deployment.control
        entity = stored_entity(control, organization="default")
        asking, other = (_with_token(control, entity.eid, cid) for cid in ("wikipedia", "factbook"))
        answers = [_opened(url, asking) for _ in range(9)]
        others = _opened(url, other)

    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) >= 3
    assert all(1 <= int(answer.headers["Retry-After"]) <= 60 for answer in refused)
    assert others.status_code == 200


def _with_token(control: sa.Engine, eid: str, cid: str) -> NewDataConnector:
    profile = connector_profile({"name": cid, "description": cid}, timeseries={})
    with writing(control) as connection:
        return create_data_connector(
            connection, organization="default", eid=eid, cid=cid, profile=profile, salt="salt"
        )


def _opened(url: str, made: NewDataConnector) -> httpx.Response:
    address = f"{url}/contributor/v1/connector/{made.connector.contribution_id}/session/open/stream"
    return httpx.get(address, headers={"x-bbk-auth-token": made.token})
