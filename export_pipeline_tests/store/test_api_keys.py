"""Stored keys."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from export_pipeline.errors import NotFound
from export_pipeline.store.api_keys import (
    ApiKey,
    add_key,
    end_key,
    expire_key,
    find_key,
    get_key,
    key_with,
    list_keys,
    note_rotation,
    note_use,
)
from export_pipeline.store.database import reading, writing
from export_pipeline.store.organizations import ensure_organization

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


def added(engine: sa.Engine, digest: str = "d1", **changes: object) -> ApiKey:
    given = {
        "organization": "acme",
        "also": ["globex"],
        "name": "nightly",
        "privileges": ["exports:view", "admin"],
        "created_at": NOW,
        "expires_at": None,
        **changes,
    }
    with writing(engine) as connection:
        for name in ("acme", "globex"):
            ensure_organization(connection, name)
        return add_key(connection, digest=digest, **given)  # type: ignore[arg-type]


def test_a_key_reads_as_it_was_stored(control: sa.Engine) -> None:
    key = added(control)

    assert key.organizations == ("acme", "globex")
    assert key.privileges == ("admin", "exports:view")
    with reading(control) as connection:
        assert key_with(connection, "d1") == get_key(connection, key.id) == key
        assert find_key(connection, "acme", key.id) == key
        assert key_with(connection, "d2") is None
        with pytest.raises(NotFound):
            find_key(connection, "globex", key.id)
        with pytest.raises(NotFound):
            get_key(connection, "none")


def test_keys_are_listed_the_oldest_first(control: sa.Engine) -> None:
    second = added(control, "d2", created_at=NOW + timedelta(seconds=1))
    first = added(control, "d1")

    with reading(control) as connection:
        assert [key.id for key in list_keys(connection, "acme")] == [first.id, second.id]
        assert not list_keys(connection, "globex")


def test_what_happens_to_a_key_is_noted_once(control: sa.Engine) -> None:
    id_ = added(control).id
    with writing(control) as connection:
        for hours in (2, 3, 1):
            expire_key(connection, id_, NOW + timedelta(hours=hours))
            end_key(connection, id_, NOW + timedelta(hours=hours))
        note_use(connection, id_, NOW)
        note_rotation(connection, id_, NOW - timedelta(hours=1))
        key = get_key(connection, id_)

    assert key.expires_at == NOW + timedelta(hours=1)  # the earliest
    assert key.revoked_at == NOW + timedelta(hours=2)  # the first
    assert key.last_used_at == NOW
    assert key.rotated_at == NOW - timedelta(hours=1)
