"""What is said of an export, whatever the clock shows."""

from datetime import UTC, datetime

import pytest

from export_pipeline.cli.export_documents import asset_key, next_hour_document, recurs, what_happens_next
from export_pipeline.exports.export import Export, ExportDefinition
from export_pipeline.orchestration import names

NOW = datetime(2026, 1, 5, 12, 5, tzinfo=UTC)


def an_export(
    *,
    organization: str = "default",
    standing: bool = True,
    paused: bool = False,
    first_hour: str = "2026-01-05T00:00:00Z",
    until: str | None = None,
) -> Export:
    definition = {"tables": [{"name": "events"}], "first_hour": first_hour, "until": until}
    return Export(
        id="1",
        organization=organization,
        slug="events",
        connector_id="2",
        definition=ExportDefinition.model_validate(definition),
        standing=standing,
        paused=paused,
        created_at=NOW,
    )


@pytest.mark.parametrize("organization", ["default", "acme"])
def test_the_asset_is_called_as_dagster_calls_it(organization: str) -> None:
    export = an_export(organization=organization)

    assert asset_key(export) == names.asset_key(export).to_user_string()


def test_the_hour_that_ended_waits_for_its_rows_to_settle() -> None:
    assert next_hour_document(an_export(), NOW) == {
        "hour": datetime(2026, 1, 5, 11, tzinfo=UTC),
        "due_at": datetime(2026, 1, 5, 12, 10, tzinfo=UTC),
    }


def test_hours_past_are_offered_as_a_task() -> None:
    first, second = what_happens_next(an_export(), NOW, "export-pipeline")

    assert first.endswith("the hour 2026-01-05T11:00:00Z is due at 2026-01-05T12:10:00Z")
    assert second.endswith("task create events --from 2026-01-05T00:00:00Z --to 2026-01-05T11:00:00Z")


def test_the_task_is_requested_of_the_same_organization() -> None:
    _, second = what_happens_next(an_export(), NOW, "export-pipeline --organization acme")

    assert ": export-pipeline --organization acme task create events " in second


def test_no_more_hours_are_offered_than_a_task_takes() -> None:
    _, second = what_happens_next(an_export(first_hour="2020-01-01T00:00:00Z"), NOW, "export-pipeline")

    assert second.endswith("--to 2021-01-01T00:00:00Z, and so on, up to 8,784 hours at a time")


def test_an_export_that_begins_later_needs_no_task() -> None:
    (only,) = what_happens_next(an_export(first_hour="2026-02-01T00:00:00Z"), NOW, "export-pipeline")

    assert only.endswith("the hour 2026-02-01T00:00:00Z is due at 2026-02-01T01:10:00Z")


def test_an_export_of_the_past_is_for_tasks() -> None:
    first, second = what_happens_next(an_export(until="2026-01-05T03:00:00Z"), NOW, "export-pipeline")

    assert first.endswith("all of its hours are past")
    assert second.endswith("--from 2026-01-05T00:00:00Z --to 2026-01-05T03:00:00Z")


def test_an_export_for_tasks_says_so() -> None:
    first, second = what_happens_next(an_export(standing=False), NOW, "export-pipeline")

    assert first == "made events: it is delivered for tasks only"
    assert second.endswith("--from 2026-01-05T00:00:00Z --to 2026-01-05T12:00:00Z")


@pytest.mark.parametrize(
    ("standing", "paused", "word"),
    [(True, False, "hourly"), (True, True, "paused"), (False, False, "for tasks only")],
)
def test_whether_it_recurs_is_a_word(standing: bool, paused: bool, word: str) -> None:
    assert recurs(an_export(standing=standing, paused=paused)) == word
