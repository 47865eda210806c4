"""What the formats say to those who load their files."""

import pytest

from export_pipeline.formats.csv import CsvFormat
from export_pipeline.formats.file_format import FileFormat, every_format
from export_pipeline.formats.json import JsonFormat
from export_pipeline.formats.jsonl import JsonlFormat
from export_pipeline.formats.layout import CsvLayout, JsonLinesLayout, JsonListLayout, ParquetLayout
from export_pipeline.formats.parquet import ParquetFormat
from export_pipeline_tests.formats.rows import a_batch, a_schema, written


def test_csv_says_how_it_is_spelled() -> None:
    assert CsvFormat().layout == CsvLayout(
        compression="gzip", delimiter=",", header_lines=1, quote='"', escape='"', null="", line_end="\r\n"
    )
    schema = a_schema(id="int64", name="string")
    row = {"id": None, "name": 'a "b",'}
    assert written(CsvFormat(compression="none"), schema, a_batch(schema, row)) == (
        b'id,name\r\n,"a ""b"","\r\n'
    )


def test_csv_says_its_dialect_and_its_options() -> None:
    file_format = CsvFormat(
        compression="none",
        dialect="no_newline",
        delimiter=";",
        null="NULL",
        bytes_as="hex",
        sep_line=True,
        defuse_formulas=True,
    )

    assert file_format.layout == CsvLayout(
        compression="none",
        delimiter=";",
        header_lines=2,
        escape="\\",
        escaped='\\"',
        null="NULL",
        line_end="\n",
        bytes_as="hex",
        line_breaks=False,
        defused=True,
    )
    assert CsvFormat(dialect="excel").layout.escaped == '"\\'
    assert CsvFormat(dialect="postgres", header="none").layout.header_lines == 0
    assert CsvFormat(dialect="postgres").layout.blank_is_null


def test_the_others_say_what_they_are() -> None:
    assert JsonlFormat(compression="zstd").layout == JsonLinesLayout(compression="zstd")
    assert JsonlFormat(nested=True).layout.nested
    assert JsonFormat(nested=True).layout == JsonListLayout(compression="gzip", nested=True)
    assert ParquetFormat().layout == ParquetLayout()


@pytest.mark.parametrize("file_format", every_format())
def test_a_file_is_decompressed_as_its_layout_says(file_format: FileFormat) -> None:
    compression = getattr(file_format.layout, "compression", file_format.compression)

    assert compression == file_format.compression
