"""Named filters in two lists. A filter's id is what stands behind `$` in a filter of an export."""

from fastapi import APIRouter
from pydantic import BaseModel

from export_pipeline.api.bodies import JsonBody
from export_pipeline.api.coveo.asking import named_as_in_body
from export_pipeline.api.visits import ExportsEditor, ExportsViewer, Visit
from export_pipeline.control.filters import create_filter, delete_filter, free_name, replace_filter
from export_pipeline.errors import NotFound
from export_pipeline.store.database import reading, writing
from export_pipeline.store.named_filters import Purpose, StoredFilter, find_named_filter, list_named_filters

router = APIRouter(prefix="/filters")


class FilterRequest(JsonBody):
    """A filter and what people call it."""

    displayName: str
    value: str


class FilterDocument(BaseModel):
    """A filter as it is stored. `account` is the organization."""

    id: str
    displayName: str
    account: str
    type: str
    value: str


class FilterList(BaseModel):
    """The filters of one list, by id."""

    filters: list[FilterDocument]


class FilterId(BaseModel):
    """Which filter it is."""

    id: str


@router.get("/{purpose}")
def list_(visit: ExportsViewer, purpose: Purpose) -> FilterList:
    """List the filters."""
    with reading(visit.deployment.control) as connection:
        stored = list_named_filters(connection, visit.organization)
    return FilterList(filters=[_document(one) for one in stored if one.purpose == purpose])


@router.post("/{purpose}", status_code=201)
def create(visit: ExportsEditor, purpose: Purpose, asked: FilterRequest) -> FilterId:
    """Store a filter under an id that is made of its name."""
    with named_as_in_body(filter="value"), writing(visit.deployment.control) as connection:
        stored = create_filter(
            connection,
            organization=visit.organization,
            name=free_name(connection, visit.organization, asked.displayName),
            text=asked.value,
            display_name=asked.displayName,
            purpose=purpose,
        )
    return FilterId(id=stored.name)


@router.get("/{purpose}/{id}")
def get(visit: ExportsViewer, purpose: Purpose, id: str) -> FilterDocument:  # its name in the address
    """Show a filter."""
    return _document(_found(visit, purpose, id))


@router.put("/{purpose}/{id}")
def replace(visit: ExportsEditor, purpose: Purpose, id: str, asked: FilterRequest) -> FilterId:
    """Store another text and name for it. Exports that name it follow."""
    _found(visit, purpose, id)
    dataset = visit.dataset
    with named_as_in_body(filter="value"), writing(visit.deployment.control) as connection:
        stored, _ = replace_filter(
            connection,
            dataset,
            organization=visit.organization,
            name=id,
            text=asked.value,
            display_name=asked.displayName,
        )
    return FilterId(id=stored.name)


@router.delete("/{purpose}/{id}", status_code=204)
def delete(visit: ExportsEditor, purpose: Purpose, id: str) -> None:
    """Forget a filter that nothing uses."""
    _found(visit, purpose, id)
    with writing(visit.deployment.control) as connection:
        delete_filter(connection, visit.organization, id)


def _found(visit: Visit, purpose: Purpose, id_: str) -> StoredFilter:
    with reading(visit.deployment.control) as connection:
        stored = find_named_filter(connection, visit.organization, id_)
    if stored.purpose != purpose:
        raise NotFound(f"there is no {purpose} filter {id_!r}; it is among the {stored.purpose} filters")
    return stored


def _document(stored: StoredFilter) -> FilterDocument:
    return FilterDocument(
        id=stored.name,
        displayName=stored.display_name or stored.name,
        account=stored.organization,
        type=stored.purpose,
        value=stored.text,
    )
