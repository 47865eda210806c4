"""What the formats say to those who load their files."""

import pytest

from export_pipeline.formats.csv import CsvFormat
from export_pipeline.formats.file_format import FileFormat, every_format
from export_pipeline.formats.jsonl import JsonlFormat
from export_pipeline.formats.layout import CsvLayout, JsonLinesLayout, ParquetLayout
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


def test_the_others_say_what_they_are() -> None:
    assert JsonlFormat(compression="zstd").layout == JsonLinesLayout(compression="zstd")
    assert ParquetFormat().layout == ParquetLayout()


@pytest.mark.parametrize("file_format", every_format())
def test_a_file_is_decompressed_as_its_layout_says(file_format: FileFormat) -> None:
    compression = getattr(file_format.layout, "compression", file_format.compression)

    assert compression == file_format.compression
