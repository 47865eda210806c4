"""The side files of a table: what each is called, and what makes it."""

from collections.abc import Callable, Mapping

from export_pipeline.formats.side_files.athena import athena_sql
from export_pipeline.formats.side_files.bigquery import bigquery_schema
from export_pipeline.formats.side_files.duckdb import duckdb_sql
from export_pipeline.formats.side_files.json_schema import json_schema
from export_pipeline.formats.side_files.postgresql import postgresql_sql
from export_pipeline.formats.side_files.redshift import redshift_sql
from export_pipeline.formats.side_files.snowflake import snowflake_sql
from export_pipeline.formats.side_files.table_files import TableFiles

SIDE_FILES: Mapping[str, Callable[[TableFiles], str]] = {
    "json-schema.json": json_schema,
    "bigquery-schema.json": bigquery_schema,
    "snowflake.sql": snowflake_sql,
    "redshift.sql": redshift_sql,
    "athena.sql": athena_sql,
    "postgresql.sql": postgresql_sql,
    "duckdb.sql": duckdb_sql,
}


def side_files(files: TableFiles) -> dict[str, bytes]:
    """Every side file by its name. The same table files give the same bytes."""
    return {name: make(files).encode() for name, make in SIDE_FILES.items()}
