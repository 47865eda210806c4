"""Schemas of what control reads itself: they allow what it takes."""

import json

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from export_pipeline.api.native.connectors import BUCKET
from export_pipeline.api.native.describing import connector_schema, definition_schema
from export_pipeline.connectors.connector import config_from
from export_pipeline.control.exports import definition_from
from export_pipeline_tests.api.conftest import DEFINITION


@pytest.mark.parametrize("schema", [connector_schema().json_schema, definition_schema().json_schema])
def test_a_schema_stands_by_itself(schema: dict[str, object]) -> None:
    assert "$ref" not in json.dumps(schema)
    Draft202012Validator.check_schema(schema)


def test_the_example_of_a_connector_is_one() -> None:
    Draft202012Validator(connector_schema().json_schema).validate(BUCKET)
    assert config_from(BUCKET).type == "s3"


@pytest.mark.parametrize("format_", ["csv.gz", "parquet", {"type": "jsonl"}])
def test_a_format_may_be_written_shortly_or_described(format_: object) -> None:
    written = {**DEFINITION, "format": format_}
    Draft202012Validator(definition_schema().json_schema).validate(written)
    assert definition_from(written).format.type in ("csv", "parquet", "jsonl")


def test_what_is_always_there_is_not_offered() -> None:
    assert "direct_download" not in json.dumps(connector_schema().json_schema)
