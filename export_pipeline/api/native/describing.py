"""Schemas for what control reads itself, so that it can say what is wrong in its own words."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, TypeAdapter, WithJsonSchema

from export_pipeline.connectors.connector import CONNECTOR_TYPES
from export_pipeline.exports.export import ExportDefinition
from export_pipeline.formats.file_format import short_formats


def connector_schema() -> WithJsonSchema:
    """A connector's configuration: one of the types that may be made over the API."""
    types = [model for name, model in CONNECTOR_TYPES.items() if name not in ("direct_download", "folder")]
    return WithJsonSchema({"oneOf": [_inlined(model) for model in types]})


def definition_schema() -> WithJsonSchema:
    """An export's definition; its format may be written as the ending of its files."""
    schema = _inlined(ExportDefinition)
    described = schema["properties"]["format"]
    schema["properties"]["format"] = {"anyOf": [{"type": "string", "enum": [*short_formats()]}, described]}
    return WithJsonSchema(schema)


def _inlined(model: type[BaseModel]) -> dict[str, Any]:
    """The model's schema without references, which mean nothing in another document."""
    schema = TypeAdapter(model).json_schema()
    definitions = schema.pop("$defs", {})

    def resolved(part: Any) -> Any:
        match part:
            case {"$ref": str() as reference, **others}:
                return resolved(definitions[reference.rpartition("/")[2]]) | others
            case Mapping():
                return {name: resolved(value) for name, value in part.items() if name != "discriminator"}
            case list():
                return [resolved(value) for value in part]
            case _:
                return part

    whole: dict[str, Any] = resolved(schema)
    return whole
