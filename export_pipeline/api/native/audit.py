"""The audit log: who changed what."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from export_pipeline.api.native.answering import problems
from export_pipeline.api.native.asking import AskedPage
from export_pipeline.api.visits import Administrator
from export_pipeline.store.audit import audit_page
from export_pipeline.store.database import reading

router = APIRouter(prefix="/api/v1/audit", tags=["audit"])


class AuditDocument(BaseModel):
    """A change, without secrets. Without `before` the thing was made, without `after` it was deleted."""

    id: str
    at: datetime
    actor_kind: str = Field(description="`key`, or `user` of the operating system", examples=["key"])
    actor_id: str | None = Field(description="the key's id")
    actor_name: str
    request_id: str | None = Field(description="the request by which it was changed")
    action: str = Field(examples=["connector.replace"])
    subject: str = Field(description="what the thing is called")
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class AuditList(BaseModel):
    """Changes, the latest first."""

    entries: list[AuditDocument]
    next: str | None = Field(description="the cursor of the next page, if there is one")


@router.get("", responses=problems())
def list_(
    visit: Administrator,
    page: AskedPage,
    subject: Annotated[str | None, Query(description="only changes of what is called so")] = None,
) -> AuditList:
    """List the changes that were made, by whom and to what."""
    with reading(visit.deployment.control) as connection:
        found = audit_page(connection, visit.organization, page, subject=subject)
    entries = [asdict(one) for one in found.items]
    for entry in entries:
        del entry["organization"]
    return AuditList(entries=[AuditDocument(**entry) for entry in entries], next=found.next)
