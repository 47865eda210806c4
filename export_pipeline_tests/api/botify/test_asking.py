"""A payload is an export's definition."""

from datetime import UTC, datetime
from typing import Any

import pytest

from export_pipeline.api.botify.asking import JobRequest, definition_of
from export_pipeline.api.botify.querying import wanted_by
from export_pipeline.connectors.lifecycle import ConnectorState
from export_pipeline.errors import InvalidRequest
from export_pipeline.exports.export import ExportDefinition
from export_pipeline.exports.file_layout import FileLayout
from export_pipeline.store.connectors import StoredConnector
from export_pipeline_tests.builders import a_dataset

NOW = datetime(2026, 1, 5, tzinfo=UTC)


def defined(type_: str = "s3", **changes: Any) -> ExportDefinition:
    """What the payload with these changes is, through a connector of that type."""
    payload = {
        "username": "acme",
        "project": "site",
        "connector": "lake",
        "query": {"collections": ["flights"], "periods": [["2013-01-01", "2013-01-31"]]},
        **changes,
    }
    asked = JobRequest.model_validate({"job_type": "export", "payload": payload}).payload
    target = StoredConnector(
        id="1",
        organization="acme",
        name="lake",
        type=type_,
        created_at=NOW,
        state=ConnectorState.RUNNING,
        reason="",
        state_since=NOW,
        generation=1,
        checked_at=None,
        next_check_at=None,
    )
    return definition_of(asked, wanted_by(asked.query, a_dataset()), "acme", target)


def test_a_job_is_one_file() -> None:
    definition = defined(export_size=50)

    assert (definition.layout, definition.row_limit) == (FileLayout.SINGLE, 50)
    assert (definition.path, definition.format.extension) == ("data.$extension", "csv.gz")
    assert (definition.context.user, definition.context.project) == ("acme", "site")


def test_the_file_goes_where_it_is_asked_to() -> None:
    extra = {"subdirectory": "$user/$project", "filename": "botify.json.gz", "push_helpers": True}

    definition = defined(formatter="json", extra_config=extra)

    assert definition.path == "$user/$project/botify.json.gz"
    assert definition.push_helpers


def test_what_is_fetched_is_each_jobs_own() -> None:
    assert defined("direct_download").path == "jobs/$export/data.$extension"
    assert defined("direct_download", extra_config={}).path == "jobs/$export/data.$extension"
    with pytest.raises(InvalidRequest, match="takes no options"):
        defined("direct_download", extra_config={"filename": "x.csv.gz"})
