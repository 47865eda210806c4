"""API keys."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from export_pipeline.api.native.answering import problems
from export_pipeline.api.native.asking import Asked, AskedCondition, AskedPage, Moment, etag_of, tagged
from export_pipeline.api.native.once import AskedOnce
from export_pipeline.api.visits import Administrator
from export_pipeline.control.keys import NewKey, create_key, revoke_key, rotate_key
from export_pipeline.control.privileges import Privilege
from export_pipeline.store.api_keys import ApiKey, find_key, keys_page
from export_pipeline.store.database import reading, writing

router = APIRouter(prefix="/api/v1/keys", tags=["keys"])


class KeyRequest(Asked):
    """A key to be made. It works in the organization of the key that makes it."""

    name: str = Field(min_length=1, max_length=100, description="what it is for", examples=["nightly job"])
    privileges: list[Privilege] = Field(
        min_length=1, description="what it allows", examples=[["exports:view"]]
    )
    expires_at: Moment | None = Field(None, description="when it ends; never, if it is left out")


class KeyDocument(BaseModel):
    """A key without its text."""

    id: str
    name: str
    organizations: list[str] = Field(description="where it works; the first one if none is named")
    privileges: list[str]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


class NewKeyDocument(KeyDocument):
    """A key and its text, which is shown this once."""

    key: str


class KeyList(BaseModel):
    """The organization's keys, the oldest first."""

    keys: list[KeyDocument]
    next: str | None = Field(description="the cursor of the next page, if there is one")


class Rotation(Asked):
    """How a key makes room for the next."""

    grace_seconds: int = Field(
        0, ge=0, le=30 * 86400, description="how long the old key works beside the new one"
    )


AT_ONCE = Rotation()


@router.post("", status_code=201, responses=problems(409, 413))
def create(visit: Administrator, asked: KeyRequest, once: AskedOnce, response: Response) -> NewKeyDocument:
    """Make a key. Its text is in the answer, and nowhere else."""

    def make(connection: sa.Connection) -> NewKeyDocument:
        return _shown_once(
            create_key(
                connection,
                organization=visit.organization,
                name=asked.name,
                privileges=asked.privileges,
                expires_at=asked.expires_at,
            )
        )

    return once.made(visit, response, make, NewKeyDocument, shown_once=True)


@router.get("", responses=problems())
def list_(visit: Administrator, page: AskedPage) -> KeyList:
    """List the keys."""
    with reading(visit.deployment.control) as connection:
        found = keys_page(connection, visit.organization, page)
    return KeyList(keys=[_document(key) for key in found.items], next=found.next)


@router.get("/{id}", responses=problems(404))
def get(visit: Administrator, id: str, response: Response) -> KeyDocument:  # its name in the address
    """Show a key."""
    with reading(visit.deployment.control) as connection:
        found = find_key(connection, visit.organization, id)
    tagged(response, _etag(found))
    return _document(found)


@router.post("/{id}/rotate", status_code=201, responses=problems(404, 409, 413))
def rotate(
    visit: Administrator, id: str, once: AskedOnce, response: Response, how: Rotation = AT_ONCE
) -> NewKeyDocument:
    """Make a key that allows the same, in the place of this one: that ends at once, if no grace is given."""
    grace = timedelta(seconds=how.grace_seconds)

    def make(connection: sa.Connection) -> NewKeyDocument:
        within = visit.caller.key.organizations
        return _shown_once(rotate_key(connection, visit.organization, id, grace=grace, within=within))

    return once.made(visit, response, make, NewKeyDocument, shown_once=True)


@router.delete("/{id}", responses=problems(404, 412))
def revoke(visit: Administrator, id: str, expected: AskedCondition) -> KeyDocument:
    """End a key at once. It is listed still."""
    with writing(visit.deployment.control) as connection:
        expected.check(_etag(find_key(connection, visit.organization, id, locked=True)))
        return _document(revoke_key(connection, visit.organization, id))


def _etag(key: ApiKey) -> str:
    return etag_of(key.id, key.expires_at, key.revoked_at)


def _document(key: ApiKey) -> KeyDocument:
    return KeyDocument(
        id=key.id,
        name=key.name,
        organizations=list(key.organizations),
        privileges=list(key.privileges),
        created_at=key.created_at,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
        last_used_at=key.last_used_at,
    )


def _shown_once(new: NewKey) -> NewKeyDocument:
    return NewKeyDocument(**_document(new.key).model_dump(), key=new.text)
