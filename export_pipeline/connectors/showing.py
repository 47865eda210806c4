"""What of a configuration may be shown: neither its secrets nor the queries of its addresses."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from export_pipeline.connectors.secret import MASK


def shown(config: BaseModel) -> dict[str, Any]:
    """The configuration as JSON has it, with a mask in the place of each secret."""
    return without_queries(config.model_dump(mode="json"))


def without_queries(config: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration without the queries of its addresses, where some have their secrets."""
    return {name: _without_query(value) for name, value in config.items()}


def _without_query(value: Any) -> Any:
    if isinstance(value, Mapping):
        return without_queries(value)
    if isinstance(value, str) and value.startswith(("http://", "https://")) and "?" in value:
        return f"{value.partition('?')[0]}?{MASK}"
    return value
