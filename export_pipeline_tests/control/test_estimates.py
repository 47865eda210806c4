"""Rows that are counted beforehand, at a real source."""

from datetime import timedelta
from pathlib import Path

import pytest

from export_pipeline.control.estimates import estimate_rows, plans_of
from export_pipeline.errors import InvalidRequest, TransientFailure
from export_pipeline.extract.sources import open_source
from export_pipeline.store.database import reading
from export_pipeline_tests.installations import FIRST, ROWS_PER_HOUR, an_installation

NOTHING_AT_ALL = timedelta(0)


def test_rows_are_counted_of_exactly_the_range(tmp_path: Path) -> None:
    with an_installation(tmp_path) as installation:
        deployment = installation.deployment
        export = installation.export()
        source = open_source(deployment.source_url)
        with reading(deployment.control) as connection:
            plans = plans_of(connection, deployment.dataset, export)

        counted = estimate_rows(source, plans, FIRST, FIRST + timedelta(hours=3))

        assert counted == {"events": 3 * ROWS_PER_HOUR}
        assert estimate_rows(source, plans, FIRST - timedelta(hours=3), FIRST) == {"events": 0}
        with pytest.raises(InvalidRequest, match="choose a later end") as refused:
            estimate_rows(source, plans, FIRST, FIRST)
        assert refused.value.field == "until"
        source.close()


def test_a_source_that_needs_too_long_is_not_waited_for(tmp_path: Path) -> None:
    with an_installation(tmp_path) as installation:
        deployment = installation.deployment
        export = installation.export()
        # Rows enough that they are not counted before the alarm, which goes off at once.
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
            estimate_rows(source, plans, FIRST, FIRST + timedelta(hours=3), limit=NOTHING_AT_ALL)
        source.close()
