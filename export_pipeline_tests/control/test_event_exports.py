"""Event exports: what is wanted becomes a definition, with each filter where it belongs."""

from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from export_pipeline.control.event_exports import (
    ORIGIN,
    EventExport,
    definition_of,
    end_of,
    request_events,
)
from export_pipeline.control.tasks import delete_task
from export_pipeline.dataset.declaration import load_dataset
from export_pipeline.errors import Gone, InvalidRequest
from export_pipeline.exports.export import ExportDefinition
from export_pipeline.filters.named import NO_NAMED_FILTERS, NamedFilters
from export_pipeline.store.database import reading, writing
from export_pipeline.store.exports import list_exports
from export_pipeline.store.tasks import find_task
from export_pipeline_tests.builders import ORGANIZATION
from export_pipeline_tests.control_databases import KEY, stored_connector

DATASET = load_dataset(Path(str(files("export_pipeline.demo") / "searches.toml")))
FIRST = datetime(2018, 8, 1, 5, 30, tzinfo=UTC)


def definition(named: NamedFilters = NO_NAMED_FILTERS, **asked: Any) -> ExportDefinition:
    return definition_of(EventExport(**asked), DATASET, ORGANIZATION, named, FIRST)


def filters(found: ExportDefinition) -> dict[str, tuple[str, ...]]:
    return {choice.name: choice.filters for choice in found.tables}


def test_a_filter_for_searches_is_for_those_of_their_tables_that_have_its_columns() -> None:
    found = definition(searches_filters=("city=='Lyon'", "searchId!='x'", "clickRank>1"))

    assert filters(found) == {
        "searches": ("city=='Lyon'", "searchId!='x'"),
        "clicks": ("city=='Lyon'", "searchId!='x'", "clickRank>1"),
        "custom_events": (),
        "keywords": ("searchId!='x'",),
        "groups": ("searchId!='x'",),
    }


def test_a_filter_for_custom_events_is_for_them_alone() -> None:
    found = definition(custom_events_filters=("city=='Lyon'",), filters=("mobile==true",))

    assert {name for name, texts in filters(found).items() if texts} == {"custom_events"}
    assert found.filters == ("mobile==true",)


def test_a_named_filter_is_for_the_tables_that_have_what_it_stands_for() -> None:
    named = NamedFilters({"FIRST": "clickRank==1"})

    assert filters(definition(named, searches_filters=("$FIRST",)))["clicks"] == ("$FIRST",)


def test_where_no_table_is_concerned_a_filter_has_nothing_to_keep_but_is_still_read() -> None:
    assert filters(definition(tables=("custom_events",), searches_filters=("city=='Lyon'",))) == {
        "custom_events": ()
    }
    with pytest.raises(InvalidRequest, match="fs: "):
        definition(tables=("custom_events",), searches_filters=("city==",))


@pytest.mark.parametrize(
    ("to", "end"),
    [
        ("04:59:59.999", "05:00:00.000"),
        ("05:00:00.000", "05:00:00.000"),
        ("05:00:00.001", "05:00:00.002"),
        ("05:30:00.000", "05:30:00.001"),
    ],
)
def test_the_last_millisecond_is_included_and_an_hour_that_only_begins_is_not(to: str, end: str) -> None:
    day = "2018-08-01T"

    assert end_of(datetime.fromisoformat(f"{day}{to}+00:00")) == datetime.fromisoformat(f"{day}{end}+00:00")


def test_a_range_to_the_end_of_times_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="to: is the last moment there is; choose an earlier one"):
        end_of(datetime.fromisoformat("9999-12-31T23:59:59.999+00:00"))


def test_what_is_wanted_is_kept_and_read_again() -> None:
    asked = EventExport(filters=("true",), tables=("searches",), one_line=True, filename="x", description="d")

    assert EventExport.from_stored(asked.stored()) == asked


def test_two_requests_for_the_same_have_files_of_their_own_and_one_is_deleted_alone(
    control: sa.Engine,
) -> None:
    stored_connector(control, name="downloads")
    made = []
    for _ in range(2):
        with writing(control) as connection:
            made.append(
                request_events(
                    connection,
                    KEY,
                    DATASET,
                    organization=ORGANIZATION,
                    connector="downloads",
                    asked=EventExport(),
                    since=FIRST,
                    until=FIRST + timedelta(hours=2),
                    author="somebody",
                )
            )
    assert made[0].export_id != made[1].export_id

    with writing(control) as connection:
        delete_task(connection, ORGANIZATION, made[0].id, by="somebody", origin=ORIGIN)

    with reading(control) as connection:
        assert [export.id for export in list_exports(connection, ORGANIZATION)] == [made[1].export_id]
        assert find_task(connection, ORGANIZATION, made[1].id) == made[1]
        with pytest.raises(Gone):
            find_task(connection, ORGANIZATION, made[0].id)
