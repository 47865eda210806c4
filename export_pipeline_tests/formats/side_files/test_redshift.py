"""What Redshift is told. Nobody runs it here: what matters of the text is looked at, the rest is golden."""

from export_pipeline.formats.csv import CsvFormat
from export_pipeline.formats.json import JsonFormat
from export_pipeline.formats.jsonl import JsonlFormat
from export_pipeline.formats.layout import CsvLayout
from export_pipeline.formats.parquet import ParquetFormat
from export_pipeline.formats.side_files.redshift import TYPES, TYPES_IN_PARQUET, redshift_sql
from export_pipeline_tests.formats.rows import DECLARED, a_schema
from export_pipeline_tests.formats.side_files.tables import table_files

SCHEMA = a_schema(id="int64", payload="bytes", doc="json", big="uint64")


def test_every_kind_has_a_type() -> None:
    assert set(TYPES) == set(TYPES_IN_PARQUET) == set(DECLARED)


def test_csv_is_copied_from_where_it_is() -> None:
    said = redshift_sql(table_files(a_schema(id="int64"), CsvFormat(), key_pieces=("it's/", ".csv.gz")))

    assert (
        "COPY \"flights\" (\"id\")\nFROM 's3://acme/data/it''s/NAME-OF-A-FILE'\nIAM_ROLE default\n"
        "FORMAT AS CSV QUOTE AS '\"' DELIMITER AS ',' IGNOREHEADER AS 1 EMPTYASNULL GZIP"
    ) in said


def test_the_spelling_of_csv_is_said() -> None:
    layout = CsvLayout(compression="zstd", delimiter="\t", header_lines=0, null="NULL")

    said = redshift_sql(table_files(a_schema(id="int64"), CsvFormat(), layout=layout))

    assert "DELIMITER AS '\\t' IGNOREHEADER AS 0 NULL AS 'NULL' ZSTD" in said


def test_bytes_and_json_in_csv_are_made_from_their_texts() -> None:
    said = redshift_sql(table_files(SCHEMA, CsvFormat()))

    assert 'COPY "_incoming"' in said
    assert 'TO_VARBYTE("payload", \'base64\'),\n    JSON_PARSE("doc"),\n    "big"\n' in said


def test_bytes_in_json_lines_are_made_from_their_texts_and_json_is_there() -> None:
    said = redshift_sql(table_files(SCHEMA, JsonlFormat()))

    assert "FORMAT AS JSON 'auto' GZIP" in said
    assert 'TO_VARBYTE("payload", \'base64\'),\n    "doc"' in said


def test_parquet_is_copied_for_what_it_says_it_is() -> None:
    said = redshift_sql(table_files(SCHEMA, ParquetFormat()))

    assert '"doc" VARCHAR(65535),\n    "big" BIGINT\n' in said
    assert said.endswith("IAM_ROLE default\nFORMAT AS PARQUET;\n")


def test_files_that_are_not_in_s3_have_to_go_there() -> None:
    assert "FROM 's3://YOUR-BUCKET/" in redshift_sql(table_files(SCHEMA, ParquetFormat(), root=None))


def test_bytes_are_what_the_option_says() -> None:
    as_hex, as_bytea = (
        redshift_sql(table_files(SCHEMA, CsvFormat(bytes_as=bytes_as))) for bytes_as in ("hex", "bytea")
    )

    assert "TO_VARBYTE(\"payload\", 'hex')" in as_hex
    assert "TO_VARBYTE(SUBSTRING(\"payload\", 3), 'hex')" in as_bytea


def test_backslashes_escape_outside_of_its_csv_only() -> None:
    said = redshift_sql(table_files(SCHEMA, CsvFormat(dialect="no_newline", compression="none")))

    assert "\nDELIMITER AS ',' REMOVEQUOTES ESCAPE IGNOREHEADER AS 1 EMPTYASNULL DATEFORMAT" in said
    assert "\n-- Line breaks were taken out of texts.\n" in said


def test_a_text_may_become_null_also_where_none_is_one() -> None:
    schema = a_schema(name="string")
    schema = schema.set(0, schema.field(0).with_nullable(False))

    said = redshift_sql(table_files(schema, CsvFormat()))
    assert "\n-- The empty text becomes NULL.\n" in said
    assert '"name" VARCHAR(65535)\n' in said
    assert '"name" VARCHAR(65535) NOT NULL\n' in redshift_sql(table_files(schema, JsonlFormat()))


def test_keys_are_found_whatever_their_case() -> None:
    said = redshift_sql(table_files(SCHEMA, JsonlFormat(names="display")))

    assert "FORMAT AS JSON 'auto ignorecase' GZIP" in said


def test_a_list_is_made_lines_first() -> None:
    assert "\n-- A file is one list, " in redshift_sql(table_files(SCHEMA, JsonFormat()))


def test_objects_in_objects_are_not_loaded_and_the_script_says_so() -> None:
    said = redshift_sql(table_files(a_schema(**{"a.b": "date"}), JsonlFormat(nested=True)))

    assert said.startswith("-- Makes the table. COPY finds no values in objects inside of objects")
    assert '"a.b" DATE\n);\n' in said
    assert "IAM_ROLE" not in said


def test_a_blank_line_that_is_null_is_said() -> None:
    said = redshift_sql(table_files(a_schema(name="string"), CsvFormat(dialect="postgres")))

    assert "blank line" in said
