"""Named filters: texts that exports and other filters use as `$NAME`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from export_pipeline.api.native.answering import problems
from export_pipeline.api.native.asking import Asked, AskedCondition, AskedPage, etag_of, tagged
from export_pipeline.api.native.once import AskedOnce
from export_pipeline.api.visits import ExportsEditor, ExportsViewer, Visit
from export_pipeline.control.filters import (
    create_filter,
    delete_filter,
    replace_filter,
    resolved_text,
    users_of,
)
from export_pipeline.store.database import reading, writing
from export_pipeline.store.named_filters import (
    StoredFilter,
    find_named_filter,
    named_filters,
    named_filters_page,
)
from export_pipeline.store.organizations import lock_organization

router = APIRouter(prefix="/api/v1/filters", tags=["filters"])

TEXT = Field(description="a filter in the filter language", examples=["origin IN ['JFK', 'LGA']"])


class FilterRequest(Asked):
    """A named filter to be made."""

    name: str = Field(description="1 to 63 letters, digits, _ and -", examples=["new-york"])
    text: str = TEXT


class TextRequest(Asked):
    """Another text for a named filter."""

    text: str = TEXT


class FilterDocument(BaseModel):
    """A named filter as it was written."""

    name: str
    id: str
    text: str
    created_at: datetime
    changed_at: datetime


class WholeFilter(FilterDocument):
    """A named filter, what is left of it without names, and who has it in a text of theirs."""

    resolved: str
    exports: Sequence[str]
    filters: Sequence[str]


class ReplacedFilter(FilterDocument):
    """A named filter with another text, and who follows it from the next hour that is read."""

    exports: Sequence[str]
    filters: Sequence[str]


class FilterList(BaseModel):
    """Named filters by name."""

    filters: list[FilterDocument]
    next: str | None = Field(description="the cursor of the next page, if there is one")


@router.post("", status_code=201, responses=problems(409, 413))
def create(visit: ExportsEditor, asked: FilterRequest, once: AskedOnce, response: Response) -> FilterDocument:
    """Make a named filter."""

    def make(connection: sa.Connection) -> FilterDocument:
        made = create_filter(connection, organization=visit.organization, name=asked.name, text=asked.text)
        return FilterDocument(**_listed(made))

    made = once.made(visit, response, make, FilterDocument)
    tagged(response, _etag(made), location=f"{router.prefix}/{made.name}")
    return made


@router.get("", responses=problems())
def list_(visit: ExportsViewer, page: AskedPage) -> FilterList:
    """List the named filters."""
    with reading(visit.deployment.control) as connection:
        found = named_filters_page(connection, visit.organization, page)
    return FilterList(filters=[FilterDocument(**_listed(one)) for one in found.items], next=found.next)


@router.get("/{name}", responses=problems(404))
def get(visit: ExportsViewer, name: str, response: Response) -> WholeFilter:
    """Show a named filter, and who uses it."""
    with reading(visit.deployment.control) as connection:
        found = find_named_filter(connection, visit.organization, name)
        resolved = resolved_text(name, named_filters(connection, visit.organization))
        users = users_of(connection, visit.organization, name)
    tagged(response, _etag(found))
    return WholeFilter(**_listed(found), resolved=resolved, exports=users.exports, filters=users.filters)


@router.put("/{name}", responses=problems(404, 412, 413, 503))
def replace(
    visit: ExportsEditor, name: str, asked: TextRequest, expected: AskedCondition, response: Response
) -> ReplacedFilter:
    """Give a named filter another text. Exports that stand on it follow from the next hour that is read."""
    dataset = visit.dataset
    with writing(visit.deployment.control) as connection:
        _check(connection, visit, name, expected)
        stored, followers = replace_filter(
            connection, dataset, organization=visit.organization, name=name, text=asked.text
        )
    tagged(response, _etag(stored))
    return ReplacedFilter(**_listed(stored), exports=followers.exports, filters=followers.filters)


@router.delete("/{name}", responses=problems(404, 409, 412))
def delete(visit: ExportsEditor, name: str, expected: AskedCondition) -> FilterDocument:
    """Forget a named filter. Refused while exports or other filters use it."""
    with writing(visit.deployment.control) as connection:
        _check(connection, visit, name, expected)
        return FilterDocument(**_listed(delete_filter(connection, visit.organization, name)))


def _check(connection: sa.Connection, visit: Visit, name: str, expected: AskedCondition) -> None:
    lock_organization(connection, visit.organization)
    expected.check(_etag(find_named_filter(connection, visit.organization, name)))


def _etag(stored: StoredFilter | FilterDocument) -> str:
    return etag_of(stored.id, stored.text)


def _listed(stored: StoredFilter) -> dict[str, Any]:
    return {
        "name": stored.name,
        "id": stored.id,
        "text": stored.text,
        "created_at": stored.created_at,
        "changed_at": stored.changed_at,
    }
