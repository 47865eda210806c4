"""What Redshift is told. Nobody runs it here: what matters of the text is looked at, the rest is golden."""

from export_pipeline.formats.csv import CsvFormat
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
