"""What is done to files before an engine takes them makes what it says, whatever the values are."""

import csv
import io
import json
import subprocess
from pathlib import Path

import pytest

from export_pipeline.formats.compression import decompressed
from export_pipeline.formats.csv import CsvFormat
from export_pipeline.formats.file_format import FileFormat
from export_pipeline.formats.json import JsonFormat
from export_pipeline.formats.jsonl import JsonlFormat
from export_pipeline.formats.parquet import ParquetFormat
from export_pipeline.formats.side_files.preparing import (
    changed_texts,
    comment,
    preparation,
    prepared_in_place,
    texts_become_null,
)
from export_pipeline_tests.formats.rows import AWKWARD_TEXTS, a_batch, a_schema, every_kind, written

TEXTS = a_schema(a="string", b="string")


def filtered(file_format: FileFormat, data: bytes) -> bytes:
    needed = preparation(file_format.layout)
    assert needed is not None
    done = subprocess.run(["bash", "-c", needed.filter], input=data, capture_output=True, check=True)
    return done.stdout


def awkward() -> list[dict[str, str | None]]:
    return [{"a": text, "b": other} for text in AWKWARD_TEXTS for other in [None, *AWKWARD_TEXTS]]


def test_excel_becomes_rfc4180() -> None:
    excel = CsvFormat(compression="none", dialect="excel")
    rows = awkward()

    made = filtered(excel, written(excel, TEXTS, a_batch(TEXTS, *rows)))

    _header, *records = csv.reader(io.StringIO(made.decode(), newline=""))
    assert records == [[row["a"], row["b"] or ""] for row in rows]


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_a_list_becomes_lines(rows: int) -> None:
    schema, batch = every_kind()
    list_, lines = JsonFormat(compression="none"), JsonlFormat(compression="none")

    made = filtered(list_, written(list_, schema, batch.slice(0, rows)))

    assert made == written(lines, schema, batch.slice(0, rows))


def test_a_list_becomes_lines_whatever_the_texts_are() -> None:
    list_ = JsonFormat(compression="none")
    data = written(list_, TEXTS, a_batch(TEXTS, *awkward()))

    assert [json.loads(line) for line in filtered(list_, data).split(b"\n")[:-1]] == json.loads(data)


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_a_file_is_replaced_where_it_lies(compression: str, tmp_path: Path) -> None:
    schema, batch = every_kind()
    list_, lines = JsonFormat(compression=compression), JsonlFormat(compression="none")
    path = tmp_path / "FILE"
    path.write_bytes(written(list_, schema, batch))

    why, command = prepared_in_place(list_.layout).splitlines()
    subprocess.run(["bash", "-c", command.removeprefix("--")], cwd=tmp_path, check=True)

    assert why.startswith("-- A file is one list")
    with path.open("rb") as file:
        assert b"".join(decompressed(file, list_.compression)) == written(lines, schema, batch)


@pytest.mark.parametrize(
    "file_format",
    [
        CsvFormat(),
        CsvFormat(dialect="no_newline"),
        CsvFormat(dialect="snowflake"),
        JsonlFormat(),
        ParquetFormat(),
    ],
    ids=lambda file_format: file_format.extension,
)
def test_the_others_are_taken_as_they_are(file_format: FileFormat) -> None:
    assert preparation(file_format.layout) is None
    assert prepared_in_place(file_format.layout) == ""


def test_who_reads_lists_takes_them_as_they_are() -> None:
    assert preparation(JsonFormat().layout, lists=True) is None


def test_changes_of_texts_are_named() -> None:
    assert changed_texts(CsvFormat().layout) == changed_texts(JsonlFormat().layout) == ""
    changed = CsvFormat(dialect="no_newline", defuse_formulas=True)
    assert changed_texts(changed.layout).count("-- ") == 2


@pytest.mark.parametrize(
    ("null", "said"), [("", "The empty text becomes"), ("NULL", "A text that is NULL becomes")]
)
def test_what_becomes_null_is_named(null: str, said: str) -> None:
    assert texts_become_null(CsvFormat(null=null).layout) == f"-- {said} NULL.\n"


def test_a_comment_has_a_line_for_each_sentence() -> None:
    assert comment("One.", "Two.") == "-- One.\n-- Two.\n"
