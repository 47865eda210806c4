"""What people may do with API keys, and who a presented key is."""

import hashlib
import re
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from export_pipeline.control import looks
from export_pipeline.control.audit import audited
from export_pipeline.control.privileges import Privilege, allows, privileges_of
from export_pipeline.errors import Forbidden, InvalidRequest, NotFound, Unauthenticated, WrongState
from export_pipeline.store.api_keys import (
    ApiKey,
    add_key,
    end_key,
    expire_key,
    find_key,
    key_with,
    note_rotation,
)
from export_pipeline.store.organizations import list_organizations

# What the text of a key begins with, so that people and scanners of repositories know one when they see it.
PREFIX = "ep-"
BYTES_OF_SECRET = 32

MAX_NAME = 100


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key and its text, which nobody can be shown again."""

    key: ApiKey
    text: str

    def __repr__(self) -> str:
        return f"NewKey({self.key.id})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks: a key, in one of its organizations."""

    key: ApiKey
    organization: str
    privileges: frozenset[Privilege]

    def require(self, privilege: Privilege) -> None:
        """Forbidden unless the key allows it."""
        if not allows(self.privileges, privilege):
            raise Forbidden(f"the key {self.key.name!r} does not allow {privilege}; use one that does")


@audited("key.create", looks.api_key)
def create_key(
    connection: sa.Connection,
    *,
    organization: str,
    privileges: Sequence[str],
    name: str,
    also: Sequence[str] = (),
    expires_at: datetime | None = None,
) -> NewKey:
    """Make a key for an organization, and for others only if they are named. Its text is returned once."""
    now = datetime.now(UTC)
    if not re.fullmatch(rf"[^\x00-\x1f\x7f]{{1,{MAX_NAME}}}", name):
        raise InvalidRequest(
            f"name: must be 1 to {MAX_NAME} characters, none of them a control", field="name"
        )
    if expires_at is not None and expires_at <= now:
        raise InvalidRequest(
            f"expires_at: {expires_at.isoformat()} is past; give a later time", field="expires_at"
        )
    known = list_organizations(connection)
    for other in (organization, *also):
        if other not in known:
            raise NotFound(
                f"there is no organization {other!r};"
                f" make it with: export-pipeline organization create {other}"
            )
    text = PREFIX + secrets.token_urlsafe(BYTES_OF_SECRET)
    key = add_key(
        connection,
        digest=secret_digest(text),
        organization=organization,
        also=sorted(set(also) - {organization}),
        name=name,
        privileges=privileges_of(privileges),
        created_at=now,
        expires_at=expires_at,
    )
    return NewKey(key, text)


@audited("key.rotate", looks.api_key)
def rotate_key(
    connection: sa.Connection,
    organization: str,
    id_: str,
    *,
    grace: timedelta,
    within: Collection[str] | None = None,
) -> NewKey:
    """Make a key that allows the same, and let the old one expire after `grace`. WrongState: it has ended, or
    there is one in its place already.

    Forbidden: it works in an organization that is not `within` (None: the operator's, all of them).
    """
    old = find_key(connection, organization, id_, locked=True)
    if within is not None and not set(old.organizations) <= set(within):
        raise Forbidden(
            f"the API key {old.name!r} works in organizations in which yours does not: ask who runs this"
            " installation to rotate it"
        )
    now = datetime.now(UTC)
    if (ended := _ended(old, now)) is not None:
        raise WrongState(f"the API key {old.name!r} {ended}; make a new one", state=ended, allowed=())
    if old.rotated_at is not None:
        # A key made in its place once more would end with its grace.
        raise WrongState(
            f"the API key {old.name!r} was rotated at {old.rotated_at.isoformat()}, and ends with its grace;"
            " rotate the key that was made in its place, or make a new one",
            state="rotated",
            allowed=(),
        )
    new = create_key(
        connection,
        organization=organization,
        privileges=old.privileges,
        name=old.name,
        also=old.also,
        expires_at=old.expires_at,
    )
    expire_key(connection, old.id, now + grace)
    note_rotation(connection, old.id, now)
    return new


@audited("key.revoke", looks.api_key)
def revoke_key(connection: sa.Connection, organization: str, id_: str) -> ApiKey:
    """End a key at once."""
    key = find_key(connection, organization, id_)
    end_key(connection, key.id, datetime.now(UTC))
    return find_key(connection, organization, id_)


def caller_with(connection: sa.Connection, text: str | None, organization: str | None) -> Caller:
    """Whose key `text` is, in the named organization (None: the key's own).

    Unauthenticated without a valid key. NotFound for an organization that the key was not given: who may not
    know of it is not told whether it is there.
    """
    if not text:
        raise Unauthenticated("this needs an API key; send it as Authorization: Bearer or X-Api-Key")
    key = key_with(connection, secret_digest(text))
    if key is None:
        raise Unauthenticated("the API key is not known here; was it copied whole?")
    _check_valid(key, datetime.now(UTC))
    wanted = organization or key.organization
    if wanted not in key.organizations:
        raise NotFound(f"there is no organization {wanted!r} for this key")
    return Caller(key=key, organization=wanted, privileges=frozenset(map(Privilege, key.privileges)))


def _check_valid(key: ApiKey, now: datetime) -> None:
    if (ended := _ended(key, now)) is not None:
        raise Unauthenticated(f"the API key {key.name!r} {ended}; ask for a new one")


def _ended(key: ApiKey, now: datetime) -> str | None:
    """How the key came to its end; None while it works."""
    if key.revoked_at is not None:
        return "was revoked"
    if key.expires_at is not None and key.expires_at <= now:
        return f"expired at {key.expires_at.isoformat()}"
    return None


def secret_digest(text: str) -> str:
    """What is kept in the place of a text that a key or a token is."""
    # It is 256 random bits or more: nothing is gained by a slow digest, and every request would pay for it.
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
