"""Another definition for an export: accepted as for a new one, and never under a run that is at work."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from export_pipeline.control.exports import definition_from
from export_pipeline.control.updating import update_export
from export_pipeline.errors import InUse, InvalidRequest, NotFound
from export_pipeline.exports.export import Export
from export_pipeline.store.audit import audit_page
from export_pipeline.store.claims import claim
from export_pipeline.store.database import reading, writing
from export_pipeline.store.exports import find_export
from export_pipeline.store.ledger import write_entry
from export_pipeline.store.pages import PageRequest
from export_pipeline_tests.builders import a_ledger_entry
from export_pipeline_tests.installations import FIRST, HOURS, Installation, an_installation


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with an_installation(tmp_path) as opened:
        yield opened


def update(installation: Installation, slug: str = "events", **changes: Any) -> Export:
    deployment = installation.deployment
    asked = {
        "tables": [{"name": "events"}],
        "format": {"type": "csv", "compression": "none"},
        "subdirectory": slug,
        "first_hour": FIRST.isoformat(),
        "until": (FIRST + timedelta(hours=HOURS)).isoformat(),
        **changes,
    }
    with writing(deployment.control) as connection:
        return update_export(
            connection,
            deployment.secret_key,
            deployment.dataset,
            organization="default",
            slug=slug,
            definition=definition_from(asked),
        )


def test_the_next_run_reads_the_new_definition(installation: Installation) -> None:
    before = installation.export("events")

    after = update(installation, filter="amount > 1")

    assert (after.id, after.connector_id) == (before.id, before.connector_id)
    assert after.definition.filters == ("amount > 1",)
    with reading(installation.deployment.control) as connection:
        assert find_export(connection, "default", "events") == after
        (noted, *_) = audit_page(connection, "default", PageRequest()).items
    assert noted.action == "export.update"
    assert noted.before is not None
    assert noted.before["definition"] == before.definition.model_dump(mode="json")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"tables": [{"name": "nothing"}]}, "tables"),
        ({"filter": "nothing = 1"}, "filter"),
        ({"subdirectory": "others"}, "path"),
        ({"first_hour": (FIRST + timedelta(hours=2)).isoformat()}, "first_hour"),
        ({"until": (FIRST + timedelta(hours=1)).isoformat()}, "until"),
    ],
    ids=str,
)
def test_what_cannot_be_exported_changes_nothing(
    installation: Installation, changes: dict[str, Any], field: str
) -> None:
    before = installation.export("events")
    installation.export("others")
    with writing(installation.deployment.control) as connection:
        hour = FIRST + timedelta(hours=1)
        write_entry(connection, a_ledger_entry(export_id=before.id, hour=hour))

    with pytest.raises(InvalidRequest) as refused:
        update(installation, **changes)

    assert refused.value.field == field
    with reading(installation.deployment.control) as connection:
        assert find_export(connection, "default", "events") == before


def test_a_path_that_was_given_up_is_free_for_others(installation: Installation) -> None:
    installation.export("events")
    update(installation, subdirectory="elsewhere")

    installation.export("others", subdirectory="events")

    with pytest.raises(InvalidRequest, match="elsewhere"):
        installation.export("more", subdirectory="elsewhere")


def test_hours_in_flight_are_ended_as_they_were_begun(installation: Installation) -> None:
    export = installation.export("events")
    now = datetime.now(UTC)
    with writing(installation.deployment.control) as connection:
        claim(
            connection,
            export.id,
            FIRST,
            "run-1",
            now=now,
            expires_at=now + timedelta(hours=1),
        )

    with pytest.raises(InUse, match="are being delivered"):
        update(installation, format="parquet")


def test_what_is_not_there_is_not_updated(installation: Installation) -> None:
    with pytest.raises(NotFound):
        update(installation)


def test_an_export_that_recurs_is_not_updated_to_one_file_for_all(installation: Installation) -> None:
    before = installation.export("events")

    with pytest.raises(InvalidRequest, match="delivered hour by hour") as refused:
        update(installation, layout="single")

    assert refused.value.field == "layout"
    with reading(installation.deployment.control) as connection:
        assert find_export(connection, "default", "events") == before


def test_what_is_delivered_keeps_its_layout(installation: Installation) -> None:
    export = installation.export("events", standing=False, layout="single", until=None)
    update(installation)  # to hourly: nothing is delivered yet
    update(installation, layout="single")
    with writing(installation.deployment.control) as connection:
        write_entry(connection, a_ledger_entry(export_id=export.id, hour=FIRST))

    with pytest.raises(InvalidRequest, match="has the layout single; keep it") as refused:
        update(installation)

    assert refused.value.field == "layout"
