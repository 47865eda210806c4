"""Stored API keys: what each allows, and a digest of its text. The text itself is shown once and not kept."""

import json
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from export_pipeline.errors import NotFound
from export_pipeline.store.pages import Page, PageRequest, read_page
from export_pipeline.store.schema import API_KEY_ORGANIZATIONS, API_KEYS


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key as it is listed. `organization` is where it works when none is named; `also` are the others."""

    id: str
    organization: str
    also: tuple[str, ...]
    name: str
    privileges: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    rotated_at: datetime | None

    @property
    def organizations(self) -> tuple[str, ...]:
        return (self.organization, *self.also)


_LISTED = [column for column in API_KEYS.c if column.name != "digest"]


def add_key(
    connection: sa.Connection,
    *,
    digest: str,
    organization: str,
    also: Iterable[str],
    name: str,
    privileges: Iterable[str],
    created_at: datetime,
    expires_at: datetime | None,
) -> ApiKey:
    """Store a key under a new id. `digest` is all that is kept of its text."""
    id_ = str(uuid.uuid4())
    connection.execute(
        API_KEYS.insert().values(
            id=id_,
            organization=organization,
            name=name,
            privileges=json.dumps(sorted(privileges)),
            digest=digest,
            created_at=created_at,
            expires_at=expires_at,
        )
    )
    for other in also:
        connection.execute(API_KEY_ORGANIZATIONS.insert().values(api_key_id=id_, organization=other))
    return get_key(connection, id_)


def key_with(connection: sa.Connection, digest: str) -> ApiKey | None:
    """The key whose text has that digest, whatever has become of it."""
    row = connection.execute(sa.select(*_LISTED).where(API_KEYS.c.digest == digest)).one_or_none()
    return None if row is None else _key(connection, row)


def get_key(connection: sa.Connection, id_: str) -> ApiKey:
    """The key with that id, whoever's it is."""
    row = connection.execute(sa.select(*_LISTED).where(API_KEYS.c.id == id_)).one_or_none()
    if row is None:
        raise NotFound(f"there is no key with the id {id_!r}")
    return _key(connection, row)


def find_key(connection: sa.Connection, organization: str, id_: str, *, locked: bool = False) -> ApiKey:
    """The organization's key with that id; `locked`: nobody else ends it until the transaction ends."""
    meant = API_KEYS.c.organization == organization, API_KEYS.c.id == id_
    if locked:
        connection.execute(sa.select(API_KEYS.c.id).where(*meant).with_for_update())
    row = connection.execute(sa.select(*_LISTED).where(*meant)).one_or_none()
    if row is None:
        raise NotFound(f"there is no key with the id {id_!r}; the list of keys shows those there are")
    return _key(connection, row)


def list_keys(connection: sa.Connection, organization: str) -> Sequence[ApiKey]:
    """The organization's keys, the oldest first."""
    rows = connection.execute(
        sa.select(*_LISTED)
        .where(API_KEYS.c.organization == organization)
        .order_by(API_KEYS.c.created_at, API_KEYS.c.id)
    )
    return [_key(connection, row) for row in rows.all()]


def keys_page(connection: sa.Connection, organization: str, asked: PageRequest) -> Page[ApiKey]:
    """The same, in pages."""
    return read_page(
        connection,
        sa.select(*_LISTED).where(API_KEYS.c.organization == organization),
        by=(API_KEYS.c.created_at, API_KEYS.c.id),
        asked=asked,
        made=lambda row: _key(connection, row),
    )


def end_key(connection: sa.Connection, id_: str, at: datetime) -> None:
    """Revoke a key; one that is revoked already stays so since then."""
    connection.execute(
        API_KEYS.update().where(API_KEYS.c.id == id_, API_KEYS.c.revoked_at.is_(None)).values(revoked_at=at)
    )


def expire_key(connection: sa.Connection, id_: str, at: datetime) -> None:
    """Let a key expire at a moment, unless it does so earlier."""
    later = sa.or_(API_KEYS.c.expires_at.is_(None), API_KEYS.c.expires_at > at)
    connection.execute(API_KEYS.update().where(API_KEYS.c.id == id_, later).values(expires_at=at))


def note_rotation(connection: sa.Connection, id_: str, at: datetime) -> None:
    """Note that another key was made in the place of this one."""
    connection.execute(API_KEYS.update().where(API_KEYS.c.id == id_).values(rotated_at=at))


def note_use(connection: sa.Connection, id_: str, at: datetime) -> None:
    """Note that the key was used."""
    connection.execute(API_KEYS.update().where(API_KEYS.c.id == id_).values(last_used_at=at))


def _key(connection: sa.Connection, row: sa.Row[tuple[object, ...]]) -> ApiKey:
    values = dict(row._mapping)
    others = connection.scalars(
        sa.select(API_KEY_ORGANIZATIONS.c.organization)
        .where(API_KEY_ORGANIZATIONS.c.api_key_id == values["id"])
        .order_by(API_KEY_ORGANIZATIONS.c.organization)
    )
    values["privileges"] = tuple(json.loads(values["privileges"]))
    return ApiKey(**values, also=tuple(others))
