"""Side files beside the data: when they are written, by whom, and that they work on what lies there."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from export_pipeline.connectors.destination import EXPORT_ID, Destination, StoredObject
from export_pipeline.connectors.folder import FolderConfig
from export_pipeline.dataset.tables import Column
from export_pipeline.exports.export import Export
from export_pipeline.extract.schema import arrow_schema
from export_pipeline.formats.side_files.side_file import SIDE_FILES
from export_pipeline.formats.side_files.table_files import columns_in
from export_pipeline.pipeline.hours import FormattedFile, FormattedHour, StagedHour
from export_pipeline.pipeline.side_files import SideFiles, folder_of_side_files, schema_version
from export_pipeline_tests.builders import a_column, a_definition, a_table, an_export, an_hour
from export_pipeline_tests.connectors.objects import Unseen, keys, listed, put, read
from export_pipeline_tests.installations import ROWS_PER_HOUR, Installation, hours
from export_pipeline_tests.runs import deliver, ledger
from export_pipeline_tests.servers.fault_proxy import Fault, Once, fault_proxy
from export_pipeline_tests.servers.s3 import S3Server

FOLDER = "_schemas/flights/flights-"
LONG_AGO = an_hour().start


def exporting(**changes: Any) -> Export:
    return an_export(definition=a_definition(**{"push_helpers": True} | changes))


def a_file(export: Export, *columns: Column, **changes: Any) -> FormattedFile:
    """A file of the export's with these columns, or those of `flights`; nobody needs what is in it."""
    schema = arrow_schema(columns or a_table().columns)
    columns_there = columns_in(export.definition.format.file_schema(schema))
    file = FormattedFile(table="flights", columns=columns_there, path=Path(), rows=2, bytes=57, sha256="")
    return replace(file, **changes)


def formatted(export: Export) -> FormattedHour:
    hour = StagedHour(
        window=an_hour(), folder=Path(), snapshot="none", read_at=LONG_AGO, tables=(), seconds=0
    )
    return FormattedHour(staged=hour, files=(a_file(export),), seconds=0)


def place(export: Export, destination: Destination, location: str = "s3://acme/data") -> None:
    SideFiles(export, destination, location).place(formatted(export), still_ours=_ours)


def _ours() -> None:
    """It is: nobody else is at work."""


@pytest.fixture
def destination(tmp_path: Path) -> Destination:
    return FolderConfig(path=tmp_path / "bucket").open()


def events(installation: Installation, **changes: Any) -> Export:
    return installation.export(**{"push_helpers": True} | changes)


def below(folder: Path) -> dict[str, Path]:
    """The files of the customer's folder by their keys."""
    return {
        str(path.relative_to(folder)): path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".export-pipeline" not in path.parts
    }


def test_nothing_lies_beside_the_data_unless_it_is_asked_for(destination: Destination) -> None:
    export = exporting(push_helpers=False)

    place(export, destination)

    assert keys(destination) == []
    assert folder_of_side_files(export, a_file(export), an_hour()) is None


def test_each_is_there_below_what_no_hour_changes(destination: Destination) -> None:
    export = exporting(subdirectory="in/$export/$year")

    place(export, destination)

    folder = folder_of_side_files(export, a_file(export), an_hour())
    assert folder == f"in/flights/{FOLDER}{schema_version(export, a_file(export))}"
    assert keys(destination) == sorted(f"{folder}/{name}" for name in SIDE_FILES)
    found = destination.head(f"{folder}/duckdb.sql")
    assert found is not None
    assert found.metadata[EXPORT_ID] == export.identity


def test_they_say_where_the_files_are(destination: Destination) -> None:
    export = exporting(subdirectory="in/$table", filename="$date-$hour.$extension")

    place(export, destination)

    folder = folder_of_side_files(export, a_file(export), an_hour())
    assert (
        "'s3://acme/data/in/flights/[0-9]*-[0-9]*.csv'" in read(destination, f"{folder}/duckdb.sql").decode()
    )


@pytest.mark.parametrize("location", ["direct download", "example.com"])
def test_a_place_without_an_address_is_not_named(destination: Destination, location: str) -> None:
    export = exporting()

    place(export, destination, location=location)

    folder = folder_of_side_files(export, a_file(export), an_hour())
    assert location not in read(destination, f"{folder}/duckdb.sql").decode()
    assert "    '[0-9]*" in read(destination, f"{folder}/duckdb.sql").decode()


def test_another_schema_is_another_version_and_another_filter_is_none() -> None:
    export, columns = exporting(), a_table().columns
    others = [
        schema_version(export, a_file(export, *columns, a_column("new", "date"))),
        schema_version(export, a_file(export, *columns[::-1])),
        schema_version(export, a_file(export, table="weather")),
        schema_version(other := exporting(format={"type": "jsonl"}), a_file(other)),
        schema_version(other := exporting(format={"type": "csv", "compression": "gzip"}), a_file(other)),
    ]

    other = exporting(filter="id > 1")
    assert schema_version(other, a_file(other, rows=9)) == schema_version(export, a_file(export))
    assert len({schema_version(export, a_file(export)), *others}) == 6


@pytest.mark.parametrize("naming", ["api", "display"])
def test_another_display_name_is_another_version_where_it_is_in_the_file(naming: str) -> None:
    export = exporting(format={"type": "csv", "header": naming})
    one, other = (a_file(export, a_column("id", display_name=name)) for name in ("Id", "Number"))

    same = schema_version(export, one) == schema_version(export, other)

    assert same == (naming == "api")


def test_what_stands_is_left_alone_and_what_is_missing_comes_back(
    destination: Destination, tmp_path: Path
) -> None:
    export = exporting()
    place(export, destination)
    before = {key: path.stat().st_mtime_ns for key, path in below(tmp_path / "bucket").items()}
    gone = next(iter(before))
    destination.delete(gone)

    place(export, destination)

    after = {key: path.stat().st_mtime_ns for key, path in below(tmp_path / "bucket").items()}
    assert after.keys() == before.keys()
    assert {key for key in after if after[key] != before[key]} == {gone}


def test_what_says_something_else_is_written_anew(destination: Destination) -> None:
    export = exporting()
    place(export, destination, location="s3://before")

    place(export, destination, location="s3://after")

    folder = folder_of_side_files(export, a_file(export), an_hour())
    assert "s3://after/" in read(destination, f"{folder}/duckdb.sql").decode()


def test_what_an_earlier_attempt_left_spoilt_is_written_anew(destination: Destination) -> None:
    export = exporting()
    place(export, destination)
    key = f"{folder_of_side_files(export, a_file(export), an_hour())}/duckdb.sql"
    there, whole = destination.head(key), read(destination, key)
    assert there is not None
    put(destination, key, whole[::-1], replaces=there.version, metadata=there.metadata)

    place(export, destination)

    assert read(destination, key) == whole


@pytest.mark.parametrize("user", ["admin", "writer"])
def test_what_the_store_says_it_spoilt_is_written_anew(s3_server: S3Server, user: str) -> None:
    bucket = s3_server.new_bucket()
    plan = Once(Fault.SPOILT, lambda request: request.method == "PUT")
    with fault_proxy(s3_server.port, plan) as proxy:
        place(
            exporting(),
            s3_server.config(bucket, user=getattr(s3_server, user), endpoint_url=proxy.url).open(),
        )
        written = [asked.path for asked, _ in proxy.arrivals if asked.method == "PUT"]

    assert len(written) == len(set(written)) + (user == "writer") == len(SIDE_FILES) + (user == "writer")


def test_runs_that_meet_do_not_fail_each_other(s3_server: S3Server) -> None:
    destination = s3_server.config(s3_server.new_bucket()).open()
    export = exporting()

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(place, export, destination) for _ in range(4)]:
            done.result()

    assert len(keys(destination)) == len(SIDE_FILES)


class Counted:
    """A destination, and how many objects were looked at."""

    def __init__(self, destination: Destination) -> None:
        self._destination = destination
        self.looks = 0

    def head(self, key: str) -> StoredObject | None:
        self.looks += 1
        return self._destination.head(key)

    def begin(self, key: str, metadata: Mapping[str, str]) -> Any:
        return self._destination.begin(key, metadata)

    def get(self, key: str) -> Iterator[bytes]:
        return self._destination.get(key)

    def list(self, prefix: str) -> Iterator[StoredObject]:
        return self._destination.list(prefix)

    def delete(self, key: str) -> None:
        self._destination.delete(key)


def test_a_run_looks_once_for_each_version(destination: Destination) -> None:
    export = exporting()
    place(export, destination)
    counted = Counted(destination)
    run = SideFiles(export, counted, "s3://acme/data")

    for _ in range(3):
        run.place(formatted(export), still_ours=_ours)

    assert counted.looks == len(SIDE_FILES)


def test_somebody_elses_file_is_not_overwritten(installation: Installation) -> None:
    export = events(installation)
    chunk = deliver(installation, export, hours(5, 5))
    folder = chunk.done[0].receipt.files[0].side_files
    path = installation.downloads / f"{folder}/duckdb.sql"
    path.unlink()
    path.write_text("somebody else's")

    chunk = deliver(installation, export, hours(6, 6))

    assert [failure.kind for failure in chunk.failed] == ["configure"]
    assert path.read_text() == "somebody else's"


def test_they_are_in_place_before_the_first_file_and_then_rest(installation: Installation) -> None:
    export = events(installation)
    (first,) = deliver(installation, export, hours(5, 5)).done
    found = below(installation.downloads)
    side = {key: path.stat().st_mtime_ns for key, path in found.items() if "/_schemas/" in key}

    deliver(installation, export, hours(6, 8))

    assert len(side) == len(SIDE_FILES)
    assert max(side.values()) <= found[first.files[0].key].stat().st_mtime_ns
    now = {key: path.stat().st_mtime_ns for key, path in below(installation.downloads).items()}
    assert {key: time for key, time in now.items() if "/_schemas/" in key} == side


def test_the_receipt_names_their_folder(installation: Installation) -> None:
    export = events(installation)
    events_table = installation.deployment.dataset.table("events")

    (hour,) = deliver(installation, export, hours(5, 5)).done

    (file,) = hour.receipt.files
    version = schema_version(export, a_file(export, *events_table.columns, table="events"))
    assert file.side_files == f"events/_schemas/events/events-{version}"
    assert {f"{file.side_files}/{name}" for name in SIDE_FILES} <= below(installation.downloads).keys()
    assert ledger(installation, export)[0].receipt == hour.receipt_text


def test_an_export_without_them_says_nothing_of_them(installation: Installation) -> None:
    (hour,) = deliver(installation, installation.export(), hours(5, 5)).done

    assert "side_files" not in hour.receipt_text
    assert not any("_schemas" in key for key in below(installation.downloads))


def test_an_hour_found_in_place_stays_the_same_revision(installation: Installation) -> None:
    export = events(installation)
    deliver(installation, export, hours(5, 5))

    (again,) = deliver(installation, export, hours(5, 5), proven_since=datetime.now(UTC)).done

    assert (again.changed, again.receipt.revision) == (False, 1)


# A column that the table does not have stands last, and has this value in every row.
CONSTANT = {"append_columns": [{"value": "first try", "slug": "of.run", "name": "The run's name"}]}


@pytest.mark.parametrize(
    ("format_", "more"),
    [
        ("csv", ()),
        ("csv.gz", ()),
        ("jsonl.zst", ()),
        ("parquet", ()),
        ({"type": "csv", "dialect": "no_newline", "header": "display", **CONSTANT}, ("first try",)),
        ({"type": "csv", "dialect": "redshift", "header": "none", **CONSTANT}, ("first try",)),
        ({"type": "json", "nested": True, **CONSTANT}, ("first try",)),
        ({"type": "parquet", "names": "display", **CONSTANT}, ("first try",)),
    ],
    ids=str,
)
def test_duckdb_loads_all_hours_by_what_lies_beside_them(
    installation: Installation, format_: Any, more: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    export = events(
        installation,
        format=format_,
        subdirectory="$table/$crawl.year",
        filename="$month$day-$hour.$extension",
    )
    chunk = deliver(installation, export, hours(3, 6))
    monkeypatch.chdir(installation.downloads)

    with duckdb.connect() as loaded, duckdb.connect(str(installation.source_file), read_only=True) as source:
        for connection in (loaded, source):
            connection.execute("set TimeZone = 'UTC'")
        loaded.execute(Path(f"{chunk.done[0].receipt.files[0].side_files}/duckdb.sql").read_text())
        found = loaded.execute("select * from events order by id").fetchall()
        meant = source.execute(
            "select * from events where hour(happened_at) between 3 and 6 order by id"
        ).fetchall()

    assert len(found) == 3 * ROWS_PER_HOUR
    assert found == [(*row, *more) for row in meant]


def test_where_nobody_may_look_the_next_run_leaves_what_is_there(destination: Destination) -> None:
    export = exporting()
    place(export, Unseen(destination))
    before = listed(destination)
    assert len(before) == len(SIDE_FILES)

    place(export, Unseen(destination))

    assert listed(destination) == before
