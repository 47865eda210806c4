"""Rows that are counted beforehand, at a real source."""

from datetime import timedelta
from pathlib import Path

import pytest

from export_pipeline.control.estimates import estimate_rows, plans_of, range_of
from export_pipeline.errors import InvalidRequest, TransientFailure
from export_pipeline.extract.sources import open_source
from export_pipeline.store.database import reading
from export_pipeline_tests.builders import a_definition
from export_pipeline_tests.installations import FIRST, ROWS_PER_HOUR, an_installation

SOON = timedelta(seconds=1)


def test_rows_are_counted_of_exactly_the_range(tmp_path: Path) -> None:
    with an_installation(tmp_path) as installation:
        deployment = installation.deployment
        export = installation.export()
        source = open_source(deployment.source_url)
        with reading(deployment.control) as connection:
            plans = plans_of(connection, deployment.dataset, export)

        counted = estimate_rows(source, plans, FIRST, FIRST + timedelta(hours=3), organization="acme")

        assert counted == {"events": 3 * ROWS_PER_HOUR}
        assert estimate_rows(source, plans, FIRST - timedelta(hours=3), FIRST, organization="acme") == {
            "events": 0
        }
        with pytest.raises(InvalidRequest, match="choose a later end") as refused:
            estimate_rows(source, plans, FIRST, FIRST, organization="acme")
        assert refused.value.field == "until"
        source.close()


def test_a_recurring_export_is_counted_up_to_now_or_its_end() -> None:
    endless = a_definition(first_hour=FIRST, until=None)
    ended = a_definition(first_hour=FIRST, until=FIRST + timedelta(hours=5))
    now = FIRST + timedelta(days=2, minutes=3)

    assert range_of(endless, now) == (FIRST, now)
    assert range_of(ended, now) == (FIRST, FIRST + timedelta(hours=5))
    assert range_of(endless, FIRST - timedelta(days=9)) == (FIRST, FIRST + timedelta(hours=1))


def test_a_source_that_needs_too_long_is_not_waited_for(tmp_path: Path) -> None:
    with an_installation(tmp_path) as installation:
        deployment = installation.deployment
        export = installation.export()
        # Rows enough for days.
        installation.change_source(
            "create or replace view counted as select e.* from events e, range(100000) a, range(100000) b"
        )
        declared = deployment.settings.dataset_path
        declared.write_text(
            declared.read_text().replace("[tables.events]", '[tables.events]\nrelation = "counted"', 1)
        )
        source = open_source(deployment.source_url)
        with reading(deployment.control) as connection:
            plans = plans_of(connection, deployment.dataset, export)

        with pytest.raises(TransientFailure, match="ask for a shorter range"):
            estimate_rows(source, plans, FIRST, FIRST + timedelta(hours=3), organization="acme", limit=SOON)
        source.close()
