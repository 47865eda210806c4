"""What the audit log shows of each kind of thing: all that people may change, and no secret."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from export_pipeline.connectors.showing import shown
from export_pipeline.control.audit import Seen
from export_pipeline.errors import NotFound
from export_pipeline.exports.export import Export
from export_pipeline.store.api_keys import find_key
from export_pipeline.store.connectors import connector_config, find_connector, get_connector
from export_pipeline.store.data_connectors import find_data_connector
from export_pipeline.store.entity_types import find_entity_type
from export_pipeline.store.exports import get_export, lock_export
from export_pipeline.store.named_filters import find_named_filter
from export_pipeline.store.organizations import list_organizations
from export_pipeline.store.schedules import find_schedule
from export_pipeline.store.tasks import find_task
from export_pipeline.store.tenants import tenants_of


def connector(connection: sa.Connection, given: Mapping[str, Any], _result: Any) -> Seen:
    """Its state, and its configuration as far as the change has the key to it."""
    found = find_connector(connection, given["organization"], given["name"], locked=True)
    shows = {"type": found.type, "state": found.state, "reason": found.reason}
    if "key" not in given or found.declared:
        return Seen(found.name, shows)
    return Seen(found.name, shows | {"config": shown(connector_config(connection, given["key"], found.id))})


def export(connection: sa.Connection, given: Mapping[str, Any], _result: Any) -> Seen:
    """Its definition, where it goes, and whether it recurs."""
    found = lock_export(connection, given["organization"], given["slug"])
    shows = {
        "connector": _way_out(connection, found),
        "standing": found.standing,
        "paused": found.paused,
        "definition": found.definition.model_dump(mode="json"),
    }
    return Seen(found.slug, shows)


def named_filter(connection: sa.Connection, given: Mapping[str, Any], _result: Any) -> Seen:
    """Its text."""
    found = find_named_filter(connection, given["organization"], given["name"])
    return Seen(found.name, {"text": found.text})


def task(connection: sa.Connection, given: Mapping[str, Any], result: Any) -> Seen | None:
    """What it asks for, and why it ended early if it did."""
    id_ = given.get("id_") or (result and result.id)
    if not id_:
        return None
    found = find_task(connection, given["organization"], id_)
    export = get_export(connection, found.export_id)
    shows = {
        "export": export.slug,
        "since": found.since.isoformat(),
        "until": found.until.isoformat(),
        "force": found.force,
        "attempt": found.attempt,
        "error": found.error,
        "cancelled_by": found.cancelled_by,
    }
    if export.generated:  # no entry of its own says what it is
        told = {"origin": found.origin, "name": found.name, "connector": _way_out(connection, export)}
        shows |= told | {"definition": export.definition.model_dump(mode="json")}
    return Seen(found.id, shows)


def schedule(connection: sa.Connection, given: Mapping[str, Any], result: Any) -> Seen | None:
    """What is exported by it, and when."""
    id_ = given.get("id_") or (result and result.id)
    if not id_:
        return None
    found = find_schedule(connection, given["organization"], id_)
    return Seen(found.id, {"wanted": dict(found.wanted), "recurrence": asdict(found.recurrence)})


def api_key(connection: sa.Connection, given: Mapping[str, Any], result: Any) -> Seen | None:
    """What it allows, where and until when; its text is nobody's to see."""
    id_ = given.get("id_") or (result and result.key.id)
    if not id_:
        return None
    found = find_key(connection, given["organization"], id_)
    shows = {
        "name": found.name,
        "organizations": list(found.organizations),
        "privileges": list(found.privileges),
        "expires_at": found.expires_at and found.expires_at.isoformat(),
        "revoked_at": found.revoked_at and found.revoked_at.isoformat(),
    }
    return Seen(found.id, shows)


def _way_out(connection: sa.Connection, export: Export) -> str | None:
    try:
        return get_connector(connection, export.connector_id).name
    except NotFound:  # nothing keeps the connector of a deleted export
        return None


def organization(connection: sa.Connection, given: Mapping[str, Any], _result: Any) -> Seen | None:
    """That it is there."""
    name = given["name"]
    return Seen(name, {}, organization=name) if name in list_organizations(connection) else None


def tenants(connection: sa.Connection, given: Mapping[str, Any], _result: Any) -> Seen:
    """Whose rows an organization may export."""
    return Seen(given["organization"], {"tenants": [*tenants_of(connection, given["organization"])]})


def entity_type(connection: sa.Connection, given: Mapping[str, Any], _result: Any) -> Seen:
    """What is said of it, and what its records follow."""
    found = find_entity_type(connection, given["organization"], given["eid"])
    return Seen(found.eid, asdict(found.profile))


def data_connector(connection: sa.Connection, given: Mapping[str, Any], _result: Any) -> Seen:
    """What is said of it, and whether consumers see what it contributed; its token is nobody's to see."""
    entity = find_entity_type(connection, given["organization"], given["eid"])
    found = find_data_connector(connection, entity, given["cid"])
    return Seen(f"{entity.eid}/{found.cid}", asdict(found.profile) | {"is_live": found.is_live})
