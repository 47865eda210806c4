"""What people may do with exports: every refusal names the field and the cure, and stores nothing."""

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from export_pipeline.control.connectors import delete_connector
from export_pipeline.control.exports import MAX_HOURS, create_export, definition_from, delete_export
from export_pipeline.control.tasks import create_task, show_task
from export_pipeline.errors import AlreadyExists, ExportPipelineError, InvalidRequest, NotFound
from export_pipeline.exports.export import Export
from export_pipeline.exports.task import TaskStatus
from export_pipeline.formats.csv import CsvFormat
from export_pipeline.formats.parquet import ParquetFormat
from export_pipeline.store.database import reading, writing
from export_pipeline.store.exports import get_export, list_exports
from export_pipeline.store.waits import note_wait, waits_of
from export_pipeline_tests.builders import FIRST_HOUR, ORGANIZATION, a_dataset, a_definition, a_table, an_hour
from export_pipeline_tests.control_databases import KEY, stored_connector

BOTH = ({"name": "flights"}, {"name": "weather"})


@pytest.fixture(autouse=True)
def _connectors(control: sa.Engine) -> None:
    for name in ("bucket", "second-bucket"):
        stored_connector(control, name=name)


def create(control: sa.Engine, slug: str = "flights", *, connector: str = "bucket", **changes: Any) -> Export:
    with writing(control) as connection:
        return create_export(
            connection,
            KEY,
            a_dataset(),
            organization=ORGANIZATION,
            slug=slug,
            connector=connector,
            definition=a_definition(**changes),
        )


def slugs(control: sa.Engine) -> list[str]:
    with reading(control) as connection:
        return [export.slug for export in list_exports(connection, ORGANIZATION)]


def refusal(control: sa.Engine, slug: str = "flights", **changes: Any) -> InvalidRequest:
    """The refusal of an export; it names its field, and nothing new is stored."""
    before = slugs(control)
    with pytest.raises(InvalidRequest) as caught:
        create(control, slug, **changes)
    assert slugs(control) == before
    assert caught.value.field is not None
    assert str(caught.value).startswith(f"{caught.value.field}: ") or caught.value.field == "filter"
    return caught.value


def test_an_export_is_stored_as_it_was_asked_for(control: sa.Engine) -> None:
    export = create(control, filter="carrier == 'UA'", subdirectory="daily")

    with reading(control) as connection:
        assert get_export(connection, export.id) == export
    assert export.definition == a_definition(filter="carrier == 'UA'", subdirectory="daily")
    assert export.standing


@pytest.mark.parametrize(
    "slug",
    ["", "f", "Flights", "2013", "my_flights", "a/b", "a.b", "f" * 64, "flüge", "a--b", "ab-", "-ab"],
)
def test_a_name_that_cannot_be_is_refused(control: sa.Engine, slug: str) -> None:
    assert refusal(control, slug).field == "name"


@pytest.mark.parametrize(
    ("changes", "field", "cure"),
    [
        ({"connector": "buckets"}, "connector", "there are: bucket, second-bucket"),
        ({"tables": ({"name": "flight"},)}, "tables", "did you mean 'flights'?"),
        ({"tables": ({"name": "flights"}, {"name": "FLIGHTS"})}, "tables", "name it once"),
        ({"tables": ({"name": "flights", "columns": ("ids",)},)}, "columns", "did you mean 'id'?"),
        ({"tables": ({"name": "flights", "columns": ("ID", "id")},)}, "columns", "columns named twice: id"),
        (
            {"format": CsvFormat(append_columns=({"value": "x", "slug": "carrier"},))},
            "format.header",
            "'carrier' and 'carrier' would both be called 'carrier' in the file; give the constant column an",
        ),
        ({"filter": "carrier = 'UA'"}, "filter", "equality is written =="),
        ({"filter": "carier == 'UA'"}, "filter", "did you mean 'carrier'?"),
        ({"filename": "$date.csv"}, "path", "add $hour"),
        ({"layout": "single"}, "layout", "take the layout hourly, or make the export one for tasks only"),
        ({"filename": "$date-$hour", "tables": BOTH}, "path", "add $table"),
        ({"filename": "$colour-$date-$hour"}, "path", "$year"),
        ({"filename": "$crawl.20210102.day_2digits.csv.gz"}, "path", "add $year, $month, $day, $hour"),
        ({"filename": "$year-$crawl.month$crawl.day-$hour"}, "path", "take the variables of a fixed length"),
        ({"filename": "$project-$crawl-$hour"}, "path", "give it one in context.project"),
        ({"subdirectory": "../other"}, "path", "give every folder and the file a name"),
        ({"subdirectory": "/exports"}, "path", "relative"),
        ({"subdirectory": "_receipts"}, "path", "choose another name"),
        ({"first_hour": "2000-01-01T00:00:00Z"}, "first_hour", "begin later"),
        (
            {"first_hour": "1990-01-01T00:00:00Z", "until": "2001-06-01T00:00:00Z"},
            "first_hour",
            "split the range",
        ),
    ],
)
def test_what_cannot_be_exported_is_refused_with_the_cure(
    control: sa.Engine, changes: dict[str, Any], field: str, cure: str
) -> None:
    error = refusal(control, **changes)

    assert error.field == field
    assert cure in str(error)


def test_the_connectors_prefix_counts_towards_the_longest_key(control: sa.Engine) -> None:
    stored_connector(control, name="deep-bucket", prefix="p/" * 500)

    error = refusal(control, connector="deep-bucket", subdirectory="daily")

    assert error.field == "path"
    assert "may take 1024" in str(error)
    assert "with the connector's prefix" in str(error)
    create(control, subdirectory="daily")


def test_the_keys_of_side_files_count_as_well(control: sa.Engine) -> None:
    # 1,000 bytes of folder and `_receipts/flights/2013-01-01-00-00.json` are too many; so is what is longer.
    room = 1024 - len("/_receipts/flights/2013-12-10-10-00.json")
    subdirectory = "a" * room

    create(control, subdirectory=subdirectory)
    error = refusal(control, "flights-too", subdirectory=subdirectory, push_helpers=True)

    assert error.field == "path"
    assert "may take 1024" in str(error)


def test_a_shared_table_needs_a_tenant(control: sa.Engine) -> None:
    with pytest.raises(InvalidRequest, match="say whose") as caught, writing(control) as connection:
        create_export(
            connection,
            KEY,
            a_dataset(a_table(tenant_column="carrier")),
            organization=ORGANIZATION,
            slug="flights",
            connector="bucket",
            definition=a_definition(),
        )

    assert caught.value.field == "tenant"
    assert slugs(control) == []


def test_the_longest_range_is_taken(control: sa.Engine) -> None:
    until = FIRST_HOUR + timedelta(hours=MAX_HOURS)

    assert create(control, until=until).definition.until == until
    assert refusal(control, "longer", until=until + timedelta(hours=1)).field == "first_hour"


def test_a_name_is_given_once(control: sa.Engine) -> None:
    create(control)

    with pytest.raises(AlreadyExists):
        create(control)

    assert slugs(control) == ["flights"]


def test_another_organizations_connector_is_unknown(control: sa.Engine) -> None:
    stored_connector(control, organization="other", name="theirs")

    assert "'theirs'" in str(refusal(control, connector="theirs"))


@pytest.mark.parametrize(
    ("path", "other"),
    [
        ("$date-$hour.csv", "$date-$hour.csv"),
        ("$date-$hour.csv", "$year-$month-$day-$hour.$extension"),
        ("$table/$date-$hour", "flights/$date-$hour"),
        ("$date/$hour", "$date/$hour/part.csv"),
        ("x-$export-$date-$hour", "x-first-$date-$hour"),
        ("$crawl.day/$crawl-$hour", "7/$year$month$day-$hour"),
    ],
)
def test_exports_that_could_write_the_same_key_are_not_both_taken(
    control: sa.Engine, path: str, other: str
) -> None:
    create(control, "first", filename=path)

    error = refusal(control, "second", filename=other)

    assert error.field == "path"
    assert "'first'" in str(error)
    assert "add $export" in str(error)


def test_a_table_asked_for_in_capitals_still_collides(control: sa.Engine) -> None:
    # The key is made of the table's declared name, whatever the request called it.
    create(control, "first", tables=({"name": "FLIGHTS"},), filename="$table-$date-$hour")

    assert refusal(control, "second", filename="flights-$date-$hour").field == "path"


def test_the_cure_for_a_collision_is_one(control: sa.Engine) -> None:
    create(control, "first")
    refusal(control, "second")

    create(control, "second", subdirectory="$export")

    assert slugs(control) == ["first", "second"]


def test_the_same_path_on_another_connector_is_taken(control: sa.Engine) -> None:
    create(control, "first")

    create(control, "second", connector="second-bucket")


def test_a_deleted_exports_path_is_free(control: sa.Engine) -> None:
    create(control, "first")
    with writing(control) as connection:
        delete_export(connection, ORGANIZATION, "first")

    create(control, "second")

    assert slugs(control) == ["second"]


def test_tables_of_one_export_that_could_share_a_key_are_refused(control: sa.Engine) -> None:
    dataset = a_dataset(a_table(), a_table(name="flights1"))
    definition = a_definition(
        tables=({"name": "flights"}, {"name": "flights1"}), filename="$table$revision-$date-$hour"
    )

    with pytest.raises(InvalidRequest, match="put a slash after") as caught, writing(control) as connection:
        create_export(
            connection,
            KEY,
            dataset,
            organization=ORGANIZATION,
            slug="flights",
            connector="bucket",
            definition=definition,
        )

    assert caught.value.field == "path"
    assert "'flights' and 'flights1'" in str(caught.value)
    assert slugs(control) == []


def test_of_exports_that_are_made_at_once_only_one_gets_a_path(control: sa.Engine) -> None:
    barrier = threading.Barrier(4)

    def attempt(slug: str) -> bool:
        barrier.wait(30)
        try:
            create(control, slug)
        except InvalidRequest:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(attempt, ["one", "two", "three", "four"]))

    assert sum(taken) == 1


def test_an_export_is_not_made_on_a_connector_that_is_being_deleted(control: sa.Engine) -> None:
    barrier = threading.Barrier(2)

    def make() -> Export | None:
        barrier.wait(30)
        try:
            return create(control)
        except ExportPipelineError:
            return None

    def delete() -> bool:
        barrier.wait(30)
        try:
            with writing(control) as connection:
                delete_connector(connection, ORGANIZATION, "bucket")
        except ExportPipelineError:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        made, deleted = pool.submit(make), pool.submit(delete)
        assert (made.result() is None) == deleted.result()


def test_a_deleted_export_is_gone_and_can_be_explained(control: sa.Engine) -> None:
    export = create(control)

    with writing(control) as connection:
        assert delete_export(connection, ORGANIZATION, "flights") == export

    assert slugs(control) == []
    with reading(control) as connection:
        assert get_export(connection, export.id) == export


def test_tasks_that_wait_for_a_deleted_export_say_so(control: sa.Engine) -> None:
    create(control)
    with writing(control) as connection:
        task = create_task(
            connection,
            organization=ORGANIZATION,
            export="flights",
            since=an_hour().start,
            until=an_hour(1).start,
        )
        delete_export(connection, ORGANIZATION, "flights")

    with reading(control) as connection:
        view = show_task(connection, ORGANIZATION, task.id)
    assert view.status is TaskStatus.ERROR
    assert view.task.error == "the export was deleted before the task began"


def test_another_organizations_export_cannot_be_deleted(control: sa.Engine) -> None:
    create(control)

    with pytest.raises(NotFound), writing(control) as connection:
        delete_export(connection, "other", "flights")

    assert slugs(control) == ["flights"]


ASKED: Mapping[str, Any] = {"tables": [{"name": "flights"}], "first_hour": "2013-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("format_", "expected"),
    [
        ("csv", CsvFormat(compression="none")),
        ("CSV.GZ", CsvFormat()),
        ({"type": "parquet", "compression": "snappy"}, ParquetFormat(compression="snappy")),
        (ParquetFormat(), ParquetFormat()),
    ],
)
def test_a_format_may_be_spelled_shortly(format_: object, expected: object) -> None:
    assert definition_from({**ASKED, "format": format_}).format == expected


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"first_hour": None}, "first_hour: is no time; write one with its zone"),
        ({"first_hour": "2013-01-01T00:30:00Z"}, "first_hour: 2013-01-01T00:30:00+00:00 is not on the hour"),
        ({"first_hour": "9999-12-31T23:30:00-12:00"}, "first_hour: is out of the range of times"),
        ({"until": "2012-01-01T00:00:00Z"}, "until: must be after the first hour, 2013-01-01T00:00:00+00:00"),
        ({"tables": []}, "tables: has too few items; give at least 1"),
        ({"tables": [{}]}, "tables.0.name: is missing"),
        (
            {"tables": [{"name": "f", "column": "id"}]},
            "tables.0.column: there is no such field; did you mean 'columns'?",
        ),
        ({"context": {"usr": "a"}}, "context.usr: there is no such field; did you mean 'user'?"),
        ({"context": {"user": "a/b"}}, "context.user: must be one part of a path"),
        ({"subdir": "a"}, "subdir: there is no such field; did you mean 'subdirectory'?"),
        ({"filter": 5}, "filters.0: is no text; write one, in quotes"),
        ({"filter": "true", "filters": ["true"]}, "definition: filter and filters are both given"),
        ({"format": "xml"}, "format: 'xml' is not a format; the formats are csv"),
        ({"format": {"type": "xml"}}, "format.type: 'xml' is not a format"),
        (
            {"format": {"type": "csv", "compression": "rar"}},
            "format.compression: 'rar' is not possible; choose",
        ),
        ({"format": 5}, "format: "),
        ({"subdirectory": "a\ud800"}, "subdirectory: Input should be a valid string"),
    ],
)
def test_a_definition_that_cannot_be_is_refused_by_its_field(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        definition_from({**ASKED, **changes})

    assert str(caught.value).startswith(message)
    assert caught.value.field == message.partition(":")[0]


@pytest.mark.parametrize("field", ["tables", "first_hour"])
def test_what_has_to_be_given_is_missed(field: str) -> None:
    with pytest.raises(InvalidRequest, match=f"^{field}: is missing$") as caught:
        definition_from({name: value for name, value in ASKED.items() if name != field})

    assert caught.value.field == field


def test_of_a_deleted_export_no_hour_waits_any_more(control: sa.Engine) -> None:
    export = create(control)
    with writing(control) as connection:
        note_wait(connection, export.id, FIRST_HOUR, now=datetime.now(UTC))
        delete_export(connection, ORGANIZATION, "flights")
        assert waits_of(connection, export.id) == []


def test_a_layout_and_a_row_limit_that_cannot_be_are_refused_by_their_field() -> None:
    given: dict[str, Any] = {"tables": [{"name": "flights"}], "first_hour": FIRST_HOUR}
    refused: list[tuple[dict[str, Any], str]] = [
        ({"layout": "daily"}, "layout"),
        ({"row_limit": 5}, "row_limit"),
        ({"layout": "single", "row_limit": 0}, "row_limit"),
    ]
    for changes, field in refused:
        with pytest.raises(InvalidRequest) as caught:
            definition_from(given | changes)
        assert caught.value.field == field


def test_an_export_for_tasks_only_may_have_a_single_file(control: sa.Engine) -> None:
    with writing(control) as connection:
        export = create_export(
            connection,
            KEY,
            a_dataset(),
            organization=ORGANIZATION,
            slug="once",
            connector="bucket",
            definition=a_definition(layout="single", row_limit=1_000),
            standing=False,
        )
    assert export.definition.path == "data.$extension"
