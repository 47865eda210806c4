"""The side files of a table, byte for byte. No test of ours runs Snowflake's, Redshift's and Athena's.

Those follow the vendors' documentation; what stands in the golden files was read against it.
"""

import os
from pathlib import Path

import pytest

from export_pipeline.formats.csv import CsvFormat
from export_pipeline.formats.file_format import FileFormat, every_format, format_from
from export_pipeline.formats.side_files.side_file import SIDE_FILES, side_files
from export_pipeline_tests.formats.rows import a_schema, every_kind
from export_pipeline_tests.formats.side_files.tables import named, table_files

GOLDEN = Path(__file__).parents[2] / "golden" / "side_files"

# Set to 1, the golden files are written instead of compared: then look at the difference.
UPDATE = "UPDATE_GOLDEN_FILES"

SCHEMA, _ = every_kind()


@pytest.mark.parametrize("format_", ["csv.gz", "jsonl.zst", "json.gz", "parquet"])
def test_the_bytes_are_the_golden_ones(format_: str) -> None:
    files = table_files(
        SCHEMA,
        format_from(format_),
        key_pieces=("exports/flights/", "/", f".{format_}"),
        root="s3://acme/data",
    )
    made = side_files(files)
    folder = GOLDEN / format_
    if os.environ.get(UPDATE) == "1":
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in made.items():
            (folder / name).write_bytes(content)

    assert made == {path.name: path.read_bytes() for path in folder.iterdir()}, (
        f"run with {UPDATE}=1 if meant"
    )


@pytest.mark.parametrize("file_format", every_format(), ids=named)
@pytest.mark.parametrize("root", ["s3://acme", "gs://acme/data", "azure://acme/data", "/srv", None])
def test_there_is_each_of_them_whatever_the_format_and_the_place(
    file_format: FileFormat, root: str | None
) -> None:
    made = side_files(table_files(SCHEMA, file_format, root=root))

    assert made.keys() == SIDE_FILES.keys()
    assert all(content.endswith(b"\n") for content in made.values())


@pytest.mark.parametrize("name", [name for name in SIDE_FILES if name.endswith(".sql")])
def test_other_columns_are_other_statements(name: str) -> None:
    one, other = (side_files(table_files(a_schema(id=type_), CsvFormat())) for type_ in ("int32", "date"))

    assert one[name] != other[name]
