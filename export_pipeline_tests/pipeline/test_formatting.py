"""Staged rows into files, whose digest and rows are those of the finished file."""

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pytest

from export_pipeline.errors import PermanentFailure
from export_pipeline.extract.schema import arrow_schema
from export_pipeline.formats.csv import CsvFormat
from export_pipeline.formats.file_columns import ConstantColumn
from export_pipeline.formats.file_format import FileFormat, every_format
from export_pipeline.pipeline.formatting import HashingFile, format_hour
from export_pipeline.pipeline.hours import FormattedHour, StagedHour, StagedRows
from export_pipeline.pipeline.progress import Cancelled
from export_pipeline.pipeline.staging import write_rows
from export_pipeline_tests.builders import a_column, a_receipt_table, an_hour

SCHEMA = arrow_schema((a_column("id", "int64", nullable=False), a_column("carrier")))


def unnoted(done: int, total: int) -> None:
    """Progress nobody looks at."""


def staged_rows(folder: Path, name: str = "flights", sizes: tuple[int, ...] = (3, 2)) -> StagedRows:
    batches = [
        pa.record_batch([pa.array(range(size), pa.int64()), pa.array(["UA"] * size)], schema=SCHEMA)
        for size in sizes
    ]
    path = folder / f"{name}.arrow"
    rows = write_rows(path, batches, SCHEMA)
    return StagedRows(table=a_receipt_table(name=name, rows_at_source=rows), paths=(path,), rows=rows)


def a_staged_hour(*tables: StagedRows) -> StagedHour:
    return StagedHour(
        window=an_hour(),
        folder=tables[0].paths[0].parent,
        snapshot="none",
        read_at=datetime(2013, 1, 1, 2, tzinfo=UTC),
        tables=tables,
        seconds=0.5,
    )


def formatted(*tables: StagedRows, file_format: FileFormat | None = None) -> FormattedHour:
    return format_hour(a_staged_hour(*tables), file_format or CsvFormat(compression="none"), progress=unnoted)


@pytest.mark.parametrize("file_format", every_format(), ids=lambda format_: format_.extension)
def test_size_and_digest_are_those_of_the_finished_file(tmp_path: Path, file_format: FileFormat) -> None:
    (file,) = formatted(staged_rows(tmp_path), file_format=file_format).files
    data = file.path.read_bytes()
    assert (file.bytes, file.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert file.rows == 5


def test_each_table_is_a_file_of_its_own(tmp_path: Path) -> None:
    hour = formatted(staged_rows(tmp_path, "flights"), staged_rows(tmp_path, "weather", (1,)))
    assert [(file.table, file.rows) for file in hour.files] == [("flights", 5), ("weather", 1)]
    assert [file.path.read_bytes().count(b"UA") for file in hour.files] == [5, 1]


def test_a_table_without_rows_is_a_file_with_a_header(tmp_path: Path) -> None:
    (file,) = formatted(staged_rows(tmp_path, sizes=())).files
    assert (file.rows, file.path.read_bytes()) == (0, b"id,carrier\r\n")


def test_display_names_come_along_with_the_staged_rows(tmp_path: Path) -> None:
    asked = CsvFormat(
        compression="none", header="display", append_columns=(ConstantColumn(value="acme", slug="customer"),)
    )
    (file,) = formatted(staged_rows(tmp_path, sizes=(1,)), file_format=asked).files
    assert file.path.read_bytes() == b"Id,Carrier,customer\r\n0,UA,acme\r\n"


def test_a_second_try_writes_the_file_anew(tmp_path: Path) -> None:
    rows = staged_rows(tmp_path)
    (first,) = formatted(rows).files
    first.path.write_bytes(b"half of a file that an earlier try left, and longer than the whole one is" * 9)
    (second,) = formatted(rows).files
    assert (second.sha256, second.path.stat().st_size) == (first.sha256, first.bytes)


def test_progress_goes_on_from_table_to_table(tmp_path: Path) -> None:
    heard: list[tuple[int, int]] = []
    hour = a_staged_hour(staged_rows(tmp_path, "flights", (3, 2)), staged_rows(tmp_path, "weather", (4,)))
    format_hour(hour, CsvFormat(compression="none"), progress=lambda *said: heard.append(said))
    assert heard == [(3, 9), (5, 9), (9, 9)]


def test_a_run_that_is_cancelled_stops_at_the_next_batch(tmp_path: Path) -> None:
    def cancel(done: int, total: int) -> None:  # noqa: ARG001 -- as a stage calls it
        raise Cancelled

    with pytest.raises(Cancelled):
        format_hour(a_staged_hour(staged_rows(tmp_path)), CsvFormat(compression="none"), progress=cancel)


class ForgetfulFormat(CsvFormat, frozen=True):
    """A format with a bug: it leaves out every batch but the first."""

    def write(self, batches: Iterable[pa.RecordBatch], schema: pa.Schema, sink: BinaryIO) -> None:
        super().write([*batches][:1], schema, sink)


def test_a_file_that_lacks_rows_is_refused_and_blamed_on_the_format(tmp_path: Path) -> None:
    with pytest.raises(PermanentFailure, match="the csv file of flights holds 3 rows of 5; this is a bug"):
        formatted(staged_rows(tmp_path), file_format=ForgetfulFormat(compression="none"))


def test_a_hashing_file_digests_what_it_holds_however_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with HashingFile(path) as file:
        written = [file.write(piece) for piece in (b"a", b"", bytes(1 << 20), memoryview(b"view").tobytes())]
    assert written == [1, 0, 1 << 20, 4]
    assert file.digest.hexdigest() == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_hashing_file_counts_bytes_and_not_the_items_of_a_buffer(tmp_path: Path) -> None:
    """What Arrow hands over may be a buffer of anything."""
    buffer = pa.array([1, 2, 3], pa.int64()).buffers()[1]
    assert buffer is not None
    with HashingFile(tmp_path / "file") as file:
        assert file.write(memoryview(buffer).cast("b").cast("q")) == buffer.size  # type: ignore[arg-type]  # see above
    assert (tmp_path / "file").read_bytes() == buffer.to_pybytes()
