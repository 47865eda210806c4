"""Kept answers: one for each key of a client's, for as long as it may be asked for."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from export_pipeline.store.answers import KeptAnswer, keep_answer, kept_answer, take_place
from export_pipeline.store.api_keys import add_key
from export_pipeline.store.database import reading, writing
from export_pipeline.store.organizations import ensure_organization

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
DAY = timedelta(hours=24)


@pytest.fixture
def api_key(control: sa.Engine) -> str:
    with writing(control) as connection:
        for name in ("acme", "globex"):
            ensure_organization(connection, name)
        return add_key(
            connection,
            digest="d",
            organization="acme",
            also=["globex"],
            name="k",
            privileges=["admin"],
            created_at=NOW,
            expires_at=None,
        ).id


def take(control: sa.Engine, api_key: str, organization: str = "acme", *, now: datetime = NOW) -> bool:
    with writing(control) as connection:
        place = api_key, organization, "mine"
        taken = take_place(connection, *place, digest="a" * 64, now=now, since=now - DAY)
        if taken:
            keep_answer(connection, *place, "{}")
        return taken


def test_a_place_is_taken_once_and_holds_the_answer(control: sa.Engine, api_key: str) -> None:
    assert take(control, api_key)
    assert not take(control, api_key)
    assert take(control, api_key, "globex")  # another organization's requests are others

    with reading(control) as connection:
        kept = kept_answer(connection, api_key, "acme", "mine", since=NOW - DAY)
        assert kept == KeptAnswer(digest="a" * 64, answer="{}")
        assert kept_answer(connection, api_key, "acme", "others", since=NOW - DAY) is None
        assert kept_answer(connection, api_key, "acme", "mine", since=NOW + DAY) is None


def test_a_place_is_free_when_its_time_is_over(control: sa.Engine, api_key: str) -> None:
    assert take(control, api_key)
    assert not take(control, api_key, now=NOW + DAY)
    assert take(control, api_key, now=NOW + DAY + timedelta(seconds=1))


def test_what_was_undone_keeps_no_place(control: sa.Engine, api_key: str) -> None:
    with control.connect() as connection:
        assert take_place(connection, api_key, "acme", "mine", digest="a", now=NOW, since=NOW - DAY)
        connection.rollback()
    assert take(control, api_key)
