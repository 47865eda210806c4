"""A job as the document asks for one, and the export that it is."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, Field

from export_pipeline.api.bodies import JsonBody
from export_pipeline.api.botify.formatting import format_of
from export_pipeline.api.botify.querying import Query, Wanted
from export_pipeline.connectors.direct_download import DIRECT_DOWNLOAD
from export_pipeline.control.exports import definition_from
from export_pipeline.control.tenancy import tenant_for
from export_pipeline.errors import InvalidRequest
from export_pipeline.exports.export import ExportDefinition
from export_pipeline.store.connectors import StoredConnector
from export_pipeline.windows import floor


class ExtraConfig(BaseModel, extra="forbid"):
    """Where in a bucket the file goes."""

    filename: str | None = None
    subdirectory: str = ""
    push_helpers: bool = False
    filetype: Literal["gz"] | None = None


class Payload(BaseModel, extra="forbid"):
    """What to export, and how. `username` is the organization."""

    username: str
    project: str | None = None
    connector: str
    extra_config: ExtraConfig | None = None
    formatter: str = "csv"
    formatter_config: dict[str, Any] | None = None
    export_size: int | None = Field(None, ge=1)
    query: Query


class JobRequest(JsonBody, extra="forbid"):
    """A job to be done."""

    job_type: Literal["export"]
    payload: Payload
    metadata: dict[str, Any] | None = None


def definition_of(
    payload: Payload,
    wanted: Wanted,
    organization: str,
    target: StoredConnector,
    own: Sequence[str] = (),
) -> ExportDefinition:
    """The payload as an export's definition; `own` are the organization's tenants."""
    return definition_from(
        {
            "tables": [{"name": wanted.table.name, "columns": wanted.columns}],
            "filters": [wanted.filter] if wanted.filter else [],
            "tenant": tenant_for([wanted.table], organization, own),
            "format": format_of(payload.formatter, payload.formatter_config or {}, wanted.collection),
            "context": {"user": organization, "project": payload.project},
            "layout": "single",
            "row_limit": payload.export_size,
            "first_hour": floor(wanted.since),
            **_place(payload.extra_config, target),
        }
    )


def _place(config: ExtraConfig | None, target: StoredConnector) -> Mapping[str, Any]:
    if target.type == DIRECT_DOWNLOAD:
        if config is not None and config.model_fields_set:
            raise InvalidRequest(
                "payload.extra_config: direct_download takes no options; leave them out",
                field="payload.extra_config",
            )
        return {"subdirectory": "jobs/$export"}
    config = config or ExtraConfig()
    return {
        "subdirectory": config.subdirectory,
        "filename": config.filename,
        "push_helpers": config.push_helpers,
    }
