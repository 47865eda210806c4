"""What one hour is between the stages travels through Dagster and cannot be changed on its way."""

from dataclasses import FrozenInstanceError, fields, replace
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from export_pipeline.dataset.types import ColumnType, Kind
from export_pipeline.formats.side_files.table_files import FileColumn
from export_pipeline.pipeline.hours import (
    DeliveredFile,
    DeliveredHour,
    FormattedFile,
    FormattedHour,
    HourRead,
    StagedHour,
    StagedRows,
    remarks_on,
)
from export_pipeline.windows import HourRange
from export_pipeline_tests.builders import a_receipt, a_receipt_table, an_hour, moment

STAGED_ROWS = StagedRows(table=a_receipt_table(), paths=(Path("/staging/flights.arrow"),), rows=2)
STAGED = StagedHour(
    window=an_hour(),
    folder=Path("/staging"),
    snapshot="none",
    read_at=moment("2013-01-01 02:00"),
    tables=(STAGED_ROWS,),
    seconds=0.5,
)
HOUR_READ = HourRead(hour=an_hour().start, read_at=moment("2013-01-01 02:00"), rows_at_source={"flights": 2})
STAGED_RANGE = replace(
    STAGED, window=HourRange.between(an_hour().start, an_hour(1).until), parts=(HOUR_READ, HOUR_READ)
)
FORMATTED_FILE = FormattedFile(
    table="flights",
    columns=(FileColumn(name="id", type=ColumnType(Kind.INT64)),),
    path=Path("/staging/flights.csv"),
    rows=2,
    bytes=57,
    sha256="5a" * 32,
)
FORMATTED = FormattedHour(staged=STAGED, files=(FORMATTED_FILE,), seconds=0.25)
DELIVERED_FILE = DeliveredFile(table="flights", key="flights.csv", rows=2, bytes=57, sha256="5a" * 32)
DELIVERED = DeliveredHour(
    window=an_hour(),
    files=(DELIVERED_FILE,),
    receipt=a_receipt(),
    receipt_key="_receipts/flights.json",
    receipt_text=a_receipt().to_bytes().decode(),
    changed=True,
    seconds=1.0,
)
EVERY_VALUE = [
    STAGED_ROWS,
    HOUR_READ,
    STAGED,
    STAGED_RANGE,
    FORMATTED_FILE,
    FORMATTED,
    DELIVERED_FILE,
    DELIVERED,
]


@pytest.fixture(params=EVERY_VALUE, ids=lambda value: type(value).__name__)
def value(request: pytest.FixtureRequest) -> Any:
    return request.param


def test_it_comes_out_of_dagsters_storage_as_it_went_in(value: Any, tmp_path: Path) -> None:
    @dg.op
    def give() -> Any:
        return value

    @dg.op
    def take(taken: Any) -> Any:
        assert taken is not value, "it was handed over in memory, so nothing is shown"
        return taken

    @dg.job(resource_defs={"io_manager": dg.FilesystemIOManager(base_dir=str(tmp_path))})
    def through_the_storage() -> None:
        take(give())

    assert through_the_storage.execute_in_process().output_for_node("take") == value


def test_it_cannot_be_changed_on_its_way(value: Any) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(value, fields(value)[0].name, None)


def test_a_formatted_hour_is_the_hour_that_was_staged() -> None:
    assert FORMATTED.window == STAGED.window


def test_it_knows_whether_its_files_are_where_they_were_written(tmp_path: Path) -> None:
    flights, weather, more = (tmp_path / f"{name}.arrow" for name in ("flights", "weather", "more"))
    staged_rows = replace(STAGED_ROWS, paths=(flights,))
    other_rows = replace(STAGED_ROWS, paths=(weather, more))
    staged = replace(STAGED, tables=(staged_rows, other_rows))
    formatted = replace(FORMATTED, files=(replace(FORMATTED_FILE, path=tmp_path / "flights.csv"),))
    assert (staged.on_disk, formatted.on_disk) == (False, False)
    for path in (flights, weather, formatted.files[0].path):
        path.touch()
    assert (staged.on_disk, formatted.on_disk) == (False, True)
    more.touch()
    assert staged.on_disk


def test_what_is_remarkable_of_the_tables_is_said_once_for_all_hours() -> None:
    def staged(undeclared: tuple[str, ...] | None) -> StagedHour:
        return replace(STAGED, tables=(replace(STAGED_ROWS, undeclared=undeclared),))

    assert list(remarks_on([STAGED, STAGED])) == []
    extra, unseen = remarks_on([staged(("b", "a")), staged(("a",)), staged(None), staged(None)])
    assert extra.endswith("not exported: flights.a, flights.b")
    assert "does not show what flights is" in unseen
    assert "GRANT SHOW VIEW" in unseen
