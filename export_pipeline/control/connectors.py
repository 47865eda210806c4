"""What people may do with connectors."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from export_pipeline.connectors.connector import config_from
from export_pipeline.control.exports import check_slug
from export_pipeline.errors import InvalidRequest
from export_pipeline.store.connectors import StoredConnector, add_connector, find_connector, hide_connector
from export_pipeline.store.encryption import SecretKey
from export_pipeline.store.exports import exports_on


def create_connector(
    connection: sa.Connection,
    key: SecretKey,
    *,
    organization: str,
    name: str,
    config: Mapping[str, Any],
) -> StoredConnector:
    """Accept a way out under a name. Refused, nothing is stored and the message names the field."""
    check_slug(name, field="name")
    if config.get("type") == "direct_download":  # before its fields, which are the operator's, are asked for
        raise InvalidRequest(
            "type: direct_download is there already, under that name, for everyone; use it as it is",
            field="type",
        )
    return add_connector(connection, key, organization, name, config_from(config))


def delete_connector(connection: sa.Connection, organization: str, name: str) -> StoredConnector:
    """Forget a connector and its credentials. Refused while exports go through it."""
    found = find_connector(connection, organization, name, locked=True)
    if found.type == "direct_download":
        raise InvalidRequest("name: direct_download is always there; it cannot be deleted", field="name")
    if users := [export.slug for export in exports_on(connection, found.id)]:
        raise InvalidRequest(
            f"name: exports go through {name!r}: {', '.join(users)}; delete those first", field="name"
        )
    hide_connector(connection, found.id)
    return found
