"""What people may do with exports: every rule about them is here, whoever asks."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from export_pipeline.connectors.limits import KeyLimits
from export_pipeline.control import looks
from export_pipeline.control.audit import audited
from export_pipeline.control.collisions import check_all_hours, check_tables, key_head
from export_pipeline.control.tenants import check_tenant
from export_pipeline.dataset.tables import Dataset, suggestion
from export_pipeline.errors import InvalidRequest, NotFound
from export_pipeline.exports.export import (
    LONGEST_SLUG,
    SHORTEST_SLUG,
    SLUG_PATTERN,
    Export,
    ExportDefinition,
    PathContext,
    TableChoice,
)
from export_pipeline.exports.file_layout import FileLayout
from export_pipeline.exports.naming import DIGITS_OF_VERSION, check_key, check_template, side_files_folder
from export_pipeline.exports.plan import plan_of
from export_pipeline.exports.variables import KeyContext
from export_pipeline.formats.file_format import format_from
from export_pipeline.formats.side_files.side_file import SIDE_FILES
from export_pipeline.store.begun_objects import forget_begun
from export_pipeline.store.connectors import StoredConnector, find_connector
from export_pipeline.store.declared_connectors import config_of
from export_pipeline.store.encryption import SecretKey
from export_pipeline.store.exports import add_export, find_export, hide_export
from export_pipeline.store.named_filters import named_filters
from export_pipeline.store.organizations import lock_organization
from export_pipeline.store.tasks import fail_queued_tasks
from export_pipeline.store.waits import forget_waits
from export_pipeline.windows import ONE_HOUR, HourWindow
from export_pipeline.wording import said

# Dagster's stated limit of partitions for one asset: a little over eleven years of hours.
MAX_HOURS = 100_000

# What stands below which field of a definition.
_MODELS: Mapping[str, type[BaseModel]] = {"tables": TableChoice, "context": PathContext}


def definition_from(data: Mapping[str, Any]) -> ExportDefinition:
    """A definition from what a person wrote; the format may be spelled shortly, like `csv.gz`.

    InvalidRequest names the field and what it should be.
    """
    format_ = data.get("format")
    if isinstance(format_, str | Mapping):
        data = {**data, "format": format_from(format_)}
    try:
        return ExportDefinition.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "definition"
        raise InvalidRequest(f"{field}: {_said(first)}", field=field) from error


def _said(details: ErrorDetails) -> str:
    match details["type"]:
        case "extra_forbidden":
            *above, name = details["loc"]
            model = _MODELS.get(str(above[0]), ExportDefinition) if above else ExportDefinition
            return f"there is no such field{suggestion(str(name), list(model.model_fields))}"
        case _:
            return said(details)


@audited("export.create", looks.export)
def create_export(
    connection: sa.Connection,
    key: SecretKey,
    dataset: Dataset,
    *,
    organization: str,
    slug: str,
    connector: str,
    definition: ExportDefinition,
    standing: bool = True,
) -> Export:
    """Accept a definition, or refuse it naming the field and the cure; refused, nothing is stored."""
    check_slug(slug, field="name")
    check_layout(definition, standing=standing)
    target = named_connector(connection, organization, connector)
    contexts = checked_contexts(connection, key, dataset, target=target, slug=slug, definition=definition)
    check_hours_of(definition)
    check_all_hours(connection, target.id, definition, contexts)
    return add_export(
        connection,
        organization=organization,
        slug=slug,
        connector_id=target.id,
        definition=definition,
        standing=standing,
        key_head=key_head(definition, contexts),
    )


def checked_contexts(
    connection: sa.Connection,
    key: SecretKey,
    dataset: Dataset,
    *,
    target: StoredConnector,
    slug: str,
    definition: ExportDefinition,
) -> Sequence[KeyContext]:
    """Refuse what cannot be exported, or not through that connector; whether its keys are free is not asked.

    Returns for each table what its path is filled from in the first hour.
    """
    lock_organization(connection, target.organization)  # its named filters stay, and stay as they are
    named = named_filters(connection, target.organization)
    limits = config_of(connection, key, dataset, target).key_limits
    plans = plan_of(definition, dataset, named)
    if not all(plan.table.contributed for plan in plans):  # those are the organization's own, and no tenant's
        check_tenant(connection, target.organization, definition)
    for plan in plans:
        definition.format.check(plan.columns)
    window = HourWindow(definition.first_hour)
    contexts = [
        definition.key_context(
            organization=target.organization, export=slug, table=plan.table.name, window=window
        )
        for plan in plans
    ]
    check_keys(definition, contexts, limits)
    check_tables(definition, contexts)
    return contexts


@audited("export.delete", looks.export)
def delete_export(connection: sa.Connection, organization: str, slug: str) -> Export:
    """Stop exporting; tasks and hours that wait are not begun. What was delivered stays where it is (but for
    files that wait with us, which retention deletes in the end), and so does its entry in the ledger.
    """
    export = find_export(connection, organization, slug, locked=True)
    hide_export(connection, export.id)
    forget_waits(connection, export.id)
    forget_begun(connection, export.id)
    fail_queued_tasks(connection, export.id, "the export was deleted before the task began")
    return export


def check_layout(definition: ExportDefinition, *, standing: bool) -> None:
    """Refuse to join the hours of an export that recurs."""
    if standing and definition.layout is FileLayout.SINGLE:
        raise InvalidRequest(
            "layout: single joins the hours of a task, and an export that recurs is delivered hour by hour;"
            " take the layout hourly, or make the export one for tasks only",
            field="layout",
        )


def check_keys(definition: ExportDefinition, contexts: Sequence[KeyContext], limits: KeyLimits) -> None:
    """Refuse a path whose keys a connector does not take; `contexts` has one for each table."""
    for context in contexts:
        check_template(
            definition.path, context, tables=len(contexts), limits=limits, layout=definition.layout
        )
        if definition.push_helpers:
            folder = side_files_folder(definition.path, context, "0" * DIGITS_OF_VERSION)
            check_key(f"{folder}/{max(SIDE_FILES, key=len)}", limits)


def check_slug(slug: str, *, field: str) -> None:
    """Refuse a name that could not be part of a Dagster name and an object key."""
    if not (SHORTEST_SLUG <= len(slug) <= LONGEST_SLUG and re.fullmatch(SLUG_PATTERN, slug)):
        raise InvalidRequest(
            f"{field}: {slug!r} has to be {SHORTEST_SLUG} to {LONGEST_SLUG} of a-z, 0-9 and -, one of a-z"
            " first, and no dash beside another or at the end",
            field=field,
        )


def named_connector(connection: sa.Connection, organization: str, name: str) -> StoredConnector:
    """The connector, locked: two exports that are made at once see each other's paths, and it stays."""
    try:
        return find_connector(connection, organization, name, locked=True)
    except NotFound as error:
        raise InvalidRequest(f"connector: {error}", field="connector") from error


def check_hours_of(definition: ExportDefinition) -> None:
    """Refuse more hours than Dagster can show of one asset."""
    end = definition.until or datetime.now(UTC)
    if (end - definition.first_hour) / ONE_HOUR > MAX_HOURS:
        raise InvalidRequest(
            f"first_hour: more than {MAX_HOURS:,} hours lie between {definition.first_hour.isoformat()}"
            f" and {end.isoformat()}; begin later, or split the range over several exports",
            field="first_hour",
        )
