"""One-off requests: an export that nobody names, and a task over a range of its hours, in one step.

What is asked for again is another task of the same export, and its hours are delivered anew.
"""

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from export_pipeline.connectors.limits import text_problem
from export_pipeline.control import looks
from export_pipeline.control.audit import audited
from export_pipeline.control.collisions import check_hours, key_head
from export_pipeline.control.exports import checked_contexts, named_connector
from export_pipeline.control.properties import check_properties
from export_pipeline.control.tasks import check_parts, check_range
from export_pipeline.dataset.tables import Dataset
from export_pipeline.errors import InvalidRequest, NotFound
from export_pipeline.exports.export import MAX_NAME, Export, ExportDefinition
from export_pipeline.exports.naming import has_variable
from export_pipeline.exports.task import ExportTask
from export_pipeline.store.connectors import StoredConnector
from export_pipeline.store.encryption import SecretKey
from export_pipeline.store.exports import add_export, find_export
from export_pipeline.store.tasks import NOTHING, add_task

# Of every definition that a request makes, so that those which are equal but for the range are equal. The
# task has the range; nobody has rows that are older.
FIRST_HOUR = datetime(1900, 1, 1, tzinfo=UTC)

PREFIX = "request-"

# Names stay short in paths, and do not meet by chance: 64 bits.
DIGITS_OF_NAME = 16


@audited("export.request", looks.task)
def request_export(
    connection: sa.Connection,
    key: SecretKey,
    dataset: Dataset,
    *,
    organization: str,
    connector: str,
    definition: ExportDefinition,
    since: datetime,
    until: datetime,
    origin: str,
    name: str | None = None,
    properties: Mapping[str, Any] = NOTHING,
    own_files: bool = False,
) -> ExportTask:
    """Accept a request for `[since, until)` of a definition, or refuse it naming the field and the cure;
    refused, nothing is stored.

    Rows are cut at these moments, also within an hour. The definition's own range is of no matter. An equal
    definition that was requested before is exported anew through the same export; with `own_files`, never:
    then the path has `$export` in it, and no later request changes these files.
    """
    _check_told(name, properties)
    definition = definition.model_copy(update={"first_hour": FIRST_HOUR, "until": None})
    check_range(definition, since, until)
    target = named_connector(connection, organization, connector)
    by_export = has_variable(definition.path, "export")
    if own_files and not by_export:
        raise InvalidRequest(
            f"path: {definition.path!r} is to hold the files of one request alone; add $export", field="path"
        )
    slug = _name_of(target, definition)
    contexts = checked_contexts(connection, key, dataset, target=target, slug=slug, definition=definition)
    export = None if own_files else _equal(connection, target, slug, definition)
    if export is not None:
        try:
            check_parts(connection, export, since, until)
        except InvalidRequest:
            if not by_export:
                raise
            export = None  # another name gives other keys
    anew = export is not None
    if export is None:
        if own_files or _taken(connection, organization, slug):
            slug = f"{PREFIX}{uuid.uuid4().hex[:DIGITS_OF_NAME]}"
            contexts = [replace(context, export=slug) for context in contexts]
        export = add_export(
            connection,
            organization=organization,
            slug=slug,
            connector_id=target.id,
            definition=definition,
            standing=False,
            generated=True,
            key_head=key_head(definition, contexts),
        )
    check_hours(connection, target.id, definition, contexts, since, until)
    return add_task(
        connection,
        export,
        since=since,
        until=until,
        force=anew,
        origin=origin,
        name=name,
        properties=properties,
    )


def _check_told(name: str | None, properties: Mapping[str, Any]) -> None:
    if name is not None and (len(name) > MAX_NAME or text_problem(name)):
        problem = text_problem(name) or f"is longer than {MAX_NAME} characters"
        raise InvalidRequest(f"name: {problem}; choose another", field="name")
    check_properties(properties)


def _name_of(target: StoredConnector, definition: ExportDefinition) -> str:
    """The same for equal definitions: made again once it was deleted, an export knows its files."""
    asked = json.dumps([target.id, definition.model_dump(mode="json")], sort_keys=True)
    return f"{PREFIX}{hashlib.sha256(asked.encode()).hexdigest()[:DIGITS_OF_NAME]}"


def _equal(
    connection: sa.Connection, target: StoredConnector, slug: str, definition: ExportDefinition
) -> Export | None:
    try:
        found = find_export(connection, target.organization, slug, locked=True)
    except NotFound:
        return None
    same = found.generated and found.connector_id == target.id and found.definition == definition
    return found if same else None


def _taken(connection: sa.Connection, organization: str, slug: str) -> bool:
    try:
        find_export(connection, organization, slug)
    except NotFound:
        return False
    return True
