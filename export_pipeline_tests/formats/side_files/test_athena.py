"""What Athena is told. Nobody runs it here: what matters of the text is looked at, the rest is golden."""

from export_pipeline.formats.csv import CsvFormat
from export_pipeline.formats.json import JsonFormat
from export_pipeline.formats.jsonl import JsonlFormat
from export_pipeline.formats.layout import CsvLayout
from export_pipeline.formats.parquet import ParquetFormat
from export_pipeline.formats.side_files.athena import TYPES, TYPES_IN_PARQUET, athena_sql
from export_pipeline_tests.formats.rows import DECLARED, a_schema
from export_pipeline_tests.formats.side_files.tables import table_files

SCHEMA = a_schema(id="int64", payload="bytes", at="timestamp", fare="float64", name="string")


def test_every_kind_has_a_type() -> None:
    assert set(TYPES) == set(TYPES_IN_PARQUET) == set(DECLARED)


def test_over_csv_a_view_makes_the_values() -> None:
    said = athena_sql(table_files(SCHEMA, CsvFormat(), key_pieces=("flights/", ".csv.gz")))

    assert "CREATE EXTERNAL TABLE IF NOT EXISTS `flights_as_text` (\n    `id` string,\n" in said
    assert "'separatorChar' = ',', 'quoteChar' = '\"', 'escapeChar' = '\\u0001'" in said
    assert "LOCATION 's3://acme/data/flights/'\nTBLPROPERTIES ('skip.header.line.count' = '1');" in said
    assert 'CREATE OR REPLACE VIEW "flights" AS' in said
    assert 'CAST(NULLIF("id", \'\') AS bigint) AS "id"' in said
    assert 'from_base64(NULLIF("payload", \'\')) AS "payload"' in said
    assert "REPLACE(REPLACE(NULLIF(\"at\", ''), 'T', ' '), 'Z', '') AS timestamp)" in said
    assert 'NULLIF("name", \'\') AS "name"\n' in said
    assert "REPLACE(REPLACE(NULLIF(\"fare\", ''), 'inf', 'Infinity'), 'nan', 'NaN') AS double)" in said


def test_the_spelling_of_csv_is_said() -> None:
    layout = CsvLayout(compression="none", delimiter="\t", header_lines=2, escape="\\", null="NULL")

    said = athena_sql(table_files(SCHEMA, CsvFormat(), layout=layout))

    assert "'separatorChar' = '\\t', 'quoteChar' = '\"', 'escapeChar' = '\\\\'" in said
    assert "'skip.header.line.count' = '2'" in said
    assert "NULLIF(\"id\", 'NULL')" in said


def test_over_json_lines_null_is_null() -> None:
    said = athena_sql(table_files(SCHEMA, JsonlFormat()))

    assert "org.openx.data.jsonserde.JsonSerDe'\nLOCATION" in said
    assert 'CAST("id" AS bigint) AS "id"' in said


def test_over_parquet_the_table_has_the_values() -> None:
    said = athena_sql(table_files(SCHEMA, ParquetFormat()))

    assert (
        "`flights` (\n    `id` bigint,\n    `payload` binary,\n    `at` timestamp,\n    `fare` double,\n"
        "    `name` string\n)" in said
    )
    assert "STORED AS PARQUET\nLOCATION" in said
    assert "VIEW" not in said


def test_a_dot_is_no_part_of_a_name() -> None:
    schema = a_schema(**{"a.b": "date"})

    assert "`a_b` string" in athena_sql(table_files(schema, CsvFormat()))
    assert "'dots.in.keys' = 'true'" in athena_sql(table_files(schema, JsonlFormat()))
    assert "'parquet.column.index.access' = 'true'" in athena_sql(table_files(schema, ParquetFormat()))


def test_files_that_are_not_in_s3_have_to_go_there() -> None:
    assert "LOCATION 's3://YOUR-BUCKET/" in athena_sql(table_files(SCHEMA, ParquetFormat(), root="gs://a"))


def test_bytes_are_what_the_option_says() -> None:
    as_hex, as_bytea = (
        athena_sql(table_files(SCHEMA, CsvFormat(bytes_as=bytes_as))) for bytes_as in ("hex", "bytea")
    )

    assert "from_hex(NULLIF(\"payload\", '')) AS" in as_hex
    assert "from_hex(substr(NULLIF(\"payload\", ''), 3)) AS" in as_bytea


def test_what_it_reads_otherwise_is_said() -> None:
    said = athena_sql(table_files(SCHEMA, CsvFormat()))
    assert "\n-- The empty text becomes NULL.\n-- A text with a line break in it ends its row there" in said

    said = athena_sql(table_files(SCHEMA, CsvFormat(dialect="no_newline", null="NULL")))
    assert "\n-- A text that is NULL becomes NULL.\n" in said
    assert "ends its row" not in said


def test_names_with_other_characters_are_mapped() -> None:
    schema = a_schema(**{"a b": "date", "a_b": "date", "1st": "date"})

    said = athena_sql(table_files(schema, JsonlFormat()))

    assert "    `a_b` string,\n    `a_b_2` string,\n    `_1st` string\n" in said
    assert (
        "WITH SERDEPROPERTIES ('case.insensitive' = 'false', 'mapping.a_b' = 'a b',"
        " 'mapping.a_b_2' = 'a_b', 'mapping._1st' = '1st')" in said
    )
    assert "'parquet.column.index.access' = 'true'" in athena_sql(table_files(schema, ParquetFormat()))
    assert "    `a_b` string,\n    `a_b_2` string," in athena_sql(table_files(schema, CsvFormat()))


def test_objects_in_objects_are_texts_that_the_view_takes_apart() -> None:
    schema = a_schema(**{"a.b": "date", "id": "int64", "a.it's.c": "json"})

    said = athena_sql(table_files(schema, JsonFormat(nested=True)))

    assert "(\n    `a` string,\n    `id` string\n)" in said
    assert 'CAST(json_extract_scalar("a", \'$["b"]\') AS date) AS "a_b"' in said
    assert 'NULLIF(json_format(json_extract("a", \'$["it\'\'s"]["c"]\')), \'null\') AS "a_it_s_c"' in said
    assert "\n-- A file is one list, " in said
