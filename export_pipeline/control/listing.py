"""What anybody may see of a thing in a list."""

from typing import Any

from export_pipeline.store.connectors import StoredConnector

_OF_A_CONNECTOR = (
    *("name", "id", "type", "state", "reason", "state_since", "created_at"),
    *("checked_at", "next_check_at", "declared"),
)


def listed_connector(connector: StoredConnector) -> dict[str, Any]:
    """A connector, without what it leads to."""
    return {name: getattr(connector, name) for name in _OF_A_CONNECTOR}
