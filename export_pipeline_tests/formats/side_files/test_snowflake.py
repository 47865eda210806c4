"""What Snowflake is told. Nobody runs it here: what matters of the text is looked at, the rest is golden."""

import pytest

from export_pipeline.dataset.types import Kind
from export_pipeline.formats.csv import CsvFormat
from export_pipeline.formats.json import JsonFormat
from export_pipeline.formats.jsonl import JsonlFormat
from export_pipeline.formats.layout import CsvLayout
from export_pipeline.formats.parquet import ParquetFormat
from export_pipeline.formats.side_files.snowflake import TYPES, snowflake_sql
from export_pipeline_tests.formats.rows import DECLARED, a_schema
from export_pipeline_tests.formats.side_files.tables import table_files

SCHEMA = a_schema(id="int64", fare="float64", payload="bytes", doc="json")


def test_every_kind_has_a_type() -> None:
    assert set(TYPES) == set(DECLARED)


def test_csv_is_read_by_place() -> None:
    said = snowflake_sql(table_files(SCHEMA, CsvFormat()))

    assert "$1::BIGINT,\n        $2::FLOAT,\n        $3::VARCHAR,\n" in said
    assert "PARSE_JSON($4::VARCHAR)\n    FROM" in said
    assert "COMPRESSION = GZIP, SKIP_HEADER = 1, FIELD_DELIMITER = ',', RECORD_DELIMITER = '\\r\\n'" in said
    assert "NULL_IF = (), EMPTY_FIELD_AS_NULL = TRUE, BINARY_FORMAT = BASE64)" in said


def test_the_spelling_of_csv_is_said() -> None:
    layout = CsvLayout(
        compression="zstd", delimiter="\t", header_lines=2, escape="\\", null="\\N", line_end="\n"
    )

    said = snowflake_sql(table_files(SCHEMA, CsvFormat(), layout=layout))

    assert (
        "(TYPE = CSV, COMPRESSION = ZSTD, SKIP_HEADER = 2, FIELD_DELIMITER = '\\t', RECORD_DELIMITER = '\\n',"
        " FIELD_OPTIONALLY_ENCLOSED_BY = '\"', ESCAPE = '\\\\', ESCAPE_UNENCLOSED_FIELD = NONE,"
        " NULL_IF = ('\\\\N'), EMPTY_FIELD_AS_NULL = FALSE, BINARY_FORMAT = BASE64)"
    ) in said


def test_json_lines_are_read_by_name_with_their_words_for_what_is_no_number() -> None:
    said = snowflake_sql(table_files(SCHEMA, JsonlFormat(compression="none")))

    assert "REPLACE($1:\"fare\"::VARCHAR, 'Infinity', 'inf')::FLOAT" in said
    assert "NULLIF($1:\"doc\", PARSE_JSON('null'))" in said
    assert "(TYPE = JSON, COMPRESSION = NONE, BINARY_FORMAT = BASE64)" in said


def test_parquet_holds_bytes_as_bytes() -> None:
    said = snowflake_sql(table_files(SCHEMA, ParquetFormat()))

    assert '$1:"payload"::BINARY' in said
    assert "BINARY_AS_TEXT = FALSE" in said


@pytest.mark.parametrize(
    ("root", "url"),
    [
        ("s3://acme/data", "s3://acme/data/a/"),
        ("gs://acme", "gcs://acme/a/"),
        ("azure://a/c", "azure://a/c/a/"),
    ],
)
def test_the_stage_is_where_the_files_are(root: str, url: str) -> None:
    said = snowflake_sql(table_files(SCHEMA, CsvFormat(), root=root, key_pieces=("a/", "'.csv")))

    assert f"URL = '{url}'\n    STORAGE_INTEGRATION = YOUR_INTEGRATION;" in said
    assert "PATTERN = '.*a/[0-9-]+\\'\\\\.csv'" in said


@pytest.mark.parametrize("root", [None, "/srv", "https://files.example.com"])
def test_files_from_elsewhere_are_put_into_the_stage(root: str | None) -> None:
    said = snowflake_sql(table_files(SCHEMA, CsvFormat(), root=root))

    assert 'by PUT.\nCREATE STAGE IF NOT EXISTS "flights_files";' in said


def test_names_are_quoted() -> None:
    assert '"Group.by" DATE' in snowflake_sql(table_files(a_schema(**{"Group.by": "date"}), CsvFormat()))
    assert Kind.DATE in TYPES


def test_bytes_are_what_the_option_says() -> None:
    as_hex, as_bytea = (
        snowflake_sql(table_files(SCHEMA, CsvFormat(bytes_as=bytes_as))) for bytes_as in ("hex", "bytea")
    )

    assert "$3::VARCHAR,\n" in as_hex
    assert "SUBSTR($3, 3)::VARCHAR,\n" in as_bytea
    assert "BINARY_FORMAT = HEX)" in as_hex
    assert "BINARY_FORMAT = HEX)" in as_bytea


def test_a_list_is_taken_apart_and_objects_in_objects_have_paths() -> None:
    said = snowflake_sql(table_files(a_schema(**{"a.b": "date"}), JsonFormat(nested=True)))

    assert '$1:"a"."b"::DATE\n' in said
    assert "BINARY_FORMAT = BASE64, STRIP_OUTER_ARRAY = TRUE)" in said
    assert '$1:"a.b"::DATE\n' in snowflake_sql(table_files(a_schema(**{"a.b": "date"}), JsonFormat()))


def test_what_it_reads_as_null_is_said() -> None:
    alone = a_schema(name="string")

    assert "becomes NULL" not in snowflake_sql(table_files(SCHEMA, CsvFormat()))
    said = snowflake_sql(table_files(SCHEMA, CsvFormat(dialect="redshift")))
    assert "\n-- A text that is \\N becomes NULL.\n" in said
    said = snowflake_sql(table_files(alone, CsvFormat()))
    assert "\n-- The empty text becomes NULL.\n" in said
    assert "NULL_IF = ('')" in said
    assert "blank line" in snowflake_sql(table_files(alone, CsvFormat(dialect="postgres")))


def test_what_excel_escapes_is_undone_first() -> None:
    assert "\n-- Inside quotes a " in snowflake_sql(table_files(SCHEMA, CsvFormat(dialect="excel")))
