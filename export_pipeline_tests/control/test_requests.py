"""One-off requests: an export and a task in one step, again and again, to the same folder."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from export_pipeline.connectors.lifecycle import ConnectorState
from export_pipeline.control.exports import create_export, delete_export
from export_pipeline.control.properties import MAX_PROPERTIES
from export_pipeline.control.requests import request_export
from export_pipeline.control.tasks import cancel_task, create_task, delete_task
from export_pipeline.errors import InvalidRequest
from export_pipeline.exports.export import Export
from export_pipeline.exports.file_layout import FileLayout
from export_pipeline.exports.task import ExportTask
from export_pipeline.store.connectors import StoredConnector
from export_pipeline.store.database import reading, writing
from export_pipeline.store.exports import get_export, list_exports, standing_exports
from export_pipeline.store.tasks import find_task, list_tasks
from export_pipeline_tests.builders import ORGANIZATION, a_dataset, a_definition, an_hour
from export_pipeline_tests.control_databases import KEY, stored_connector

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
FIRST = an_hour().start

BY_REQUEST = "$export/$year-$month-$day-$hour.csv"


@pytest.fixture(autouse=True)
def bucket(control: sa.Engine) -> StoredConnector:
    return stored_connector(control, state=ConnectorState.RUNNING)


def request(
    control: sa.Engine, since: int = 0, until: int = 120, *, own_files: bool = False, **changes: Any
) -> ExportTask:
    """A request for the minutes from the first of 2013 on; `changes` are the definition's."""
    with writing(control) as connection:
        return request_in(connection, since, until, own_files=own_files, **changes)


def request_in(
    connection: sa.Connection, since: int = 0, until: int = 120, *, own_files: bool = False, **changes: Any
) -> ExportTask:
    """The same in a transaction."""
    return request_export(
        connection,
        KEY,
        a_dataset(),
        organization=ORGANIZATION,
        connector="bucket",
        definition=a_definition(**changes),
        since=FIRST + since * MINUTE,
        until=FIRST + until * MINUTE,
        origin="coveo",
        own_files=own_files,
    )


def refused(control: sa.Engine, *range_: int, own_files: bool = False, **changes: Any) -> InvalidRequest:
    """The refusal of a request; nothing is stored."""
    before = stored(control)
    with pytest.raises(InvalidRequest) as caught:
        request(control, *range_, own_files=own_files, **changes)
    assert stored(control) == before
    return caught.value


def stored(control: sa.Engine) -> tuple[object, object]:
    with reading(control) as connection:
        return list_exports(connection, ORGANIZATION), list_tasks(connection, ORGANIZATION)


def export_of(control: sa.Engine, task: ExportTask) -> Export:
    with reading(control) as connection:
        return get_export(connection, task.export_id)


def named(control: sa.Engine, *, standing: bool, **changes: Any) -> Export:
    with writing(control) as connection:
        return create_export(
            connection,
            KEY,
            a_dataset(),
            organization=ORGANIZATION,
            slug="flights",
            connector="bucket",
            definition=a_definition(**changes),
            standing=standing,
        )


def test_a_request_makes_an_export_and_a_task(control: sa.Engine, bucket: StoredConnector) -> None:
    task = request(control)

    export = export_of(control, task)
    assert (task.since, task.until, task.force) == (FIRST, FIRST + 2 * HOUR, False)
    assert (export.standing, export.generated, export.connector_id) == (False, True, bucket.id)
    with reading(control) as connection:
        assert standing_exports(connection) == []
        assert list_exports(connection, ORGANIZATION, generated=False) == []


def test_what_the_face_keeps_comes_back(control: sa.Engine) -> None:
    with writing(control) as connection:
        task = request_export(
            connection,
            KEY,
            a_dataset(),
            organization=ORGANIZATION,
            connector="bucket",
            definition=a_definition(),
            since=FIRST,
            until=FIRST + HOUR,
            origin="bitmovin",
            name="Jänner",
            properties={"description": None, "columns": ["PLAYED"], "at": 1553198432348},
        )

    with reading(control) as connection:
        found = find_task(connection, ORGANIZATION, task.id, origin="bitmovin")
    assert (found.origin, found.name) == ("bitmovin", "Jänner")
    assert found.properties == {"description": None, "columns": ["PLAYED"], "at": 1553198432348}


def test_a_range_of_years_ago_is_taken_whatever_the_definition_says(control: sa.Engine) -> None:
    with writing(control) as connection:
        task = request_export(
            connection,
            KEY,
            a_dataset(),
            organization=ORGANIZATION,
            connector="bucket",
            definition=a_definition(first_hour=FIRST, until=FIRST + HOUR),
            since=datetime(1955, 1, 1, tzinfo=UTC),
            until=datetime(1955, 1, 2, tzinfo=UTC),
            origin="coveo",
        )

    assert len(task.windows(FileLayout.HOURLY)) == 24


def test_rows_are_cut_within_an_hour(control: sa.Engine) -> None:
    task = request(control, 20, 80)

    assert [(hour.since, hour.until) for hour in task.windows(FileLayout.HOURLY)] == [
        (FIRST + 20 * MINUTE, FIRST + HOUR),
        (FIRST + HOUR, FIRST + 80 * MINUTE),
    ]


@pytest.mark.parametrize(("since", "until"), [(0, 120), (60, 180), (0, 60), (600, 660)])
def test_an_equal_definition_is_exported_anew_through_the_same_export(
    control: sa.Engine, since: int, until: int
) -> None:
    first = request(control)

    again = request(control, since, until)

    assert again.export_id == first.export_id
    assert again.id != first.id
    assert again.force


def test_equal_requests_at_once_share_one_export(control: sa.Engine) -> None:
    with ThreadPoolExecutor(4) as pool:
        tasks = list(pool.map(lambda _: request(control), range(4)))

    assert len({task.id for task in tasks}) == 4
    assert len({task.export_id for task in tasks}) == 1


def test_a_deleted_export_is_made_again_under_its_name(control: sa.Engine) -> None:
    before = export_of(control, request(control))
    with writing(control) as connection:
        delete_export(connection, ORGANIZATION, before.slug)

    task = request(control)

    after = export_of(control, task)
    assert (after.slug, after.id != before.id, task.force) == (before.slug, True, False)


def test_requests_through_another_connector_are_another_export(control: sa.Engine) -> None:
    first = request(control)
    stored_connector(control, name="archive", state=ConnectorState.RUNNING)
    with writing(control) as connection:
        other = request_export(
            connection,
            KEY,
            a_dataset(),
            organization=ORGANIZATION,
            connector="archive",
            definition=a_definition(),
            since=FIRST,
            until=FIRST + HOUR,
            origin="coveo",
        )

    assert other.export_id != first.export_id


@pytest.mark.parametrize(
    "changes",
    [
        {"tables": ({"name": "flights", "columns": ("id",)},)},
        {"filters": ("distance > 100",)},
        {"format": {"type": "csv", "compression": "none", "header": "none"}},
    ],
    ids=["columns", "filters", "options"],
)
def test_another_definition_with_the_same_keys_is_refused_where_hours_meet(
    control: sa.Engine, changes: dict[str, Any]
) -> None:
    task = request(control, 0, 120)

    error = refused(control, 60, 180, **changes)

    assert error.field == "path"
    assert task.id in str(error)
    assert "take another folder, or add $export" in str(error)
    assert request(control, 120, 180, **changes).export_id != task.export_id  # nobody asked for these hours


def test_the_rest_of_an_hour_is_the_same_hour(control: sa.Engine) -> None:
    request(control, 0, 90)

    assert refused(control, 100, 180, filters=("distance > 100",)).field == "path"
    assert request(control, 120, 180, filters=("distance > 100",))


def test_files_of_whole_ranges_are_free_only_if_their_names_are(control: sa.Engine) -> None:
    """Their hours may be others, and their names the same."""
    one_file: dict[str, Any] = {"layout": "single", "filename": "data.csv"}
    request(control, 0, 60, **one_file)

    error = refused(control, 120, 180, **one_file, minutes_to_settle=5)
    assert "take another folder, or add $export" in str(error)
    dated: dict[str, Any] = {"layout": "single", "filename": "$hour.csv"}
    request(control, 0, 60, **dated)
    request(control, 120, 180, **dated, minutes_to_settle=5)


def test_another_folder_or_format_is_free(control: sa.Engine) -> None:
    tasks = [
        request(control),
        request(control, subdirectory="other"),
        request(control, format={"type": "jsonl"}),
        request(control, subdirectory="$export"),
        request(control, subdirectory="$export", filters=("distance > 100",)),
    ]

    assert len({task.export_id for task in tasks}) == 5


def test_another_part_of_an_hour_is_refused_where_the_files_would_be_the_same(control: sa.Engine) -> None:
    task = request(control, 0, 90)

    error = refused(control, 0, 120)

    assert f"task {task.id} asks for another part of the hour" in str(error)


def test_another_part_of_an_hour_is_another_export_where_the_path_tells_them_apart(
    control: sa.Engine,
) -> None:
    first = request(control, 0, 90, filename=BY_REQUEST)
    second = request(control, 0, 120, filename=BY_REQUEST)
    third = request(control, 0, 90, filename=BY_REQUEST)

    assert first.export_id == third.export_id != second.export_id
    assert not second.force


def test_files_of_its_own_are_never_shared(control: sa.Engine) -> None:
    tasks = [request(control, filename=BY_REQUEST, own_files=True) for _ in range(3)]
    shared = request(control, filename=BY_REQUEST)

    assert len({task.export_id for task in [*tasks, shared]}) == 4
    assert not any(task.force for task in [*tasks, shared])


def test_files_of_its_own_need_a_path_of_their_own(control: sa.Engine) -> None:
    error = refused(control, own_files=True)

    assert error.field == "path"
    assert "add $export" in str(error)


def test_the_keys_of_a_standing_export_are_refused_in_all_hours(control: sa.Engine) -> None:
    named(control, standing=True, first_hour=an_hour(1000).start, until=an_hour(2000).start)

    error = refused(control)

    assert "export 'flights'" in str(error)


def test_a_standing_export_is_refused_the_keys_of_a_request(control: sa.Engine) -> None:
    export = export_of(control, request(control))

    with pytest.raises(InvalidRequest, match=export.slug):
        named(control, standing=True, first_hour=an_hour(1000).start, until=an_hour(2000).start)


def test_a_task_of_a_named_export_is_refused_hours_of_a_request(control: sa.Engine) -> None:
    export = named(control, standing=False)
    task = request(control, filters=("distance > 100",))

    with pytest.raises(InvalidRequest, match=task.id), writing(control) as connection:
        create_task(
            connection, organization=ORGANIZATION, export=export.slug, since=FIRST, until=FIRST + HOUR
        )
    with writing(control) as connection:
        later = create_task(
            connection,
            organization=ORGANIZATION,
            export=export.slug,
            since=FIRST + 2 * HOUR,
            until=FIRST + 3 * HOUR,
        )
    assert later.id in str(refused(control, 120, 180, filters=("distance > 100",)))


def test_other_organizations_paths_are_their_own(control: sa.Engine) -> None:
    task = request(control)
    stored_connector(control, organization="other", state=ConnectorState.RUNNING)
    with writing(control) as connection:
        theirs = request_export(
            connection,
            KEY,
            a_dataset(),
            organization="other",
            connector="bucket",
            definition=a_definition(filters=("distance > 100",)),
            since=FIRST,
            until=FIRST + HOUR,
            origin="coveo",
        )

    assert (theirs.organization, theirs.export_id != task.export_id) == ("other", True)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"tables": ({"name": "trains"},)}, "tables"),
        ({"tables": ({"name": "flights", "columns": ("wings",)},)}, "columns"),
        ({"filters": ("wings > 2",)}, "filter"),
        ({"subdirectory": "../theirs"}, "path"),
        ({"filename": "$year.csv"}, "path"),
        ({"tenant": "acme"}, "tenant"),
    ],
)
def test_a_mistake_is_named_by_its_field(control: sa.Engine, changes: dict[str, Any], field: str) -> None:
    assert refused(control, **changes).field == field


@pytest.mark.parametrize(("since", "until"), [(60, 60), (60, 0), (0, 60 * 24 * 367)])
def test_a_range_that_is_none_or_too_long_is_refused(control: sa.Engine, since: int, until: int) -> None:
    assert refused(control, since, until).field == "until"


@pytest.mark.parametrize(
    ("name", "properties", "field"),
    [
        ("a" * 256, {}, "name"),
        ("a\x00b", {}, "name"),
        ("a", {"query": "a" * MAX_PROPERTIES}, "properties"),
        ("a", {"size": float("nan")}, "properties"),
    ],
    ids=["long", "control character", "large", "not a number"],
)
def test_what_is_kept_is_bounded(
    control: sa.Engine, name: str, properties: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidRequest) as caught, writing(control) as connection:
        request_export(
            connection,
            KEY,
            a_dataset(),
            organization=ORGANIZATION,
            connector="bucket",
            definition=a_definition(),
            since=FIRST,
            until=FIRST + HOUR,
            origin="coveo",
            name=name,
            properties=properties,
        )

    assert caught.value.field == field


def test_an_unknown_connector_is_named(control: sa.Engine) -> None:
    with pytest.raises(InvalidRequest, match="no connector 'none'") as caught, writing(control) as connection:
        request_export(
            connection,
            KEY,
            a_dataset(),
            organization=ORGANIZATION,
            connector="none",
            definition=a_definition(),
            since=FIRST,
            until=FIRST + HOUR,
            origin="coveo",
        )

    assert caught.value.field == "connector"


def test_an_export_goes_with_the_last_task_that_a_request_made_of_it(control: sa.Engine) -> None:
    first, second = request(control), request(control)
    with writing(control) as connection:
        delete_task(connection, ORGANIZATION, first.id, by="Anna")
        assert len(list_exports(connection, ORGANIZATION)) == 1
        delete_task(connection, ORGANIZATION, second.id, by="Anna")
        assert list_exports(connection, ORGANIZATION) == []

    assert request(control).export_id != first.export_id


def test_an_export_stays_that_is_asked_for_again_while_its_last_task_is_deleted(control: sa.Engine) -> None:
    first = request(control)
    with writing(control) as connection:
        cancel_task(connection, ORGANIZATION, first.id, by="Anna")

    def delete() -> None:
        with writing(control) as connection:
            delete_task(connection, ORGANIZATION, first.id, by="Anna")

    with ThreadPoolExecutor(1) as pool:
        with writing(control) as connection:
            second = request_in(connection)
            deletion = pool.submit(delete)
            with suppress(TimeoutError):  # it waits for the request
                deletion.result(0.5)
        deletion.result()

    assert second.export_id == first.export_id
    with reading(control) as connection:
        assert [export.id for export in list_exports(connection, ORGANIZATION)] == [second.export_id]
