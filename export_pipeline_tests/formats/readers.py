"""CSV read back by readers that we did not write, told about each dialect as our documentation says.

The texts here are executed, and a test compares `docs/formats.md` with them.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import psycopg

from export_pipeline.formats.csv import CsvFormat
from export_pipeline.formats.dialects import DialectName

# `excel` has to be made rfc4180 first: see `undone`.
PYTHON: Mapping[DialectName, str] = {
    "rfc4180": "csv.reader(file)",
    "excel": "csv.reader(file)",
    "no_newline": "csv.reader(file, doublequote=False, escapechar='\\\\')",
    "postgres": "csv.reader(file)",
    "snowflake": "csv.reader(file)",
    "redshift": "csv.reader(file)",
    "bigquery": "csv.reader(file)",
}

PANDAS: Mapping[DialectName, str] = {
    "rfc4180": "pd.read_csv(file, dtype=str, keep_default_na=False)",
    "excel": "pd.read_csv(file, dtype=str, keep_default_na=False)",
    "no_newline": "pd.read_csv(file, dtype=str, keep_default_na=False, doublequote=False, escapechar='\\\\')",
    "postgres": "pd.read_csv(file, dtype=str, keep_default_na=False, skip_blank_lines=False)",
    "snowflake": "pd.read_csv(file, dtype=str, keep_default_na=False)",
    "redshift": "pd.read_csv(file, dtype=str, keep_default_na=False, na_values=['\\\\N'])",
    "bigquery": "pd.read_csv(file, dtype=str, keep_default_na=False, na_values=['\\\\N'])",
}

# Besides the columns and their types.
DUCKDB_ALWAYS = "auto_detect=false, header=true, delim=',', quote='\"', allow_quoted_nulls=false"
DUCKDB: Mapping[DialectName, str] = {
    "rfc4180": "escape='\"'",
    "excel": "escape='\"'",
    "no_newline": "escape='\\'",
    "postgres": "escape='\"'",
    "snowflake": "escape='\"'",
    "redshift": "escape='\"', nullstr='\\N'",
    "bigquery": "escape='\"', nullstr='\\N'",
}

POSTGRESQL: Mapping[DialectName, str] = {
    "rfc4180": "FORMAT csv, HEADER",
    "excel": "FORMAT csv, HEADER",
    "no_newline": "FORMAT csv, HEADER, ESCAPE '\\'",
    "postgres": "FORMAT csv, HEADER",
    "snowflake": "FORMAT csv, HEADER",
    "redshift": "FORMAT csv, HEADER, NULL '\\N'",
    "bigquery": "FORMAT csv, HEADER, NULL '\\N'",
}


def undone(dialect: DialectName, data: bytes) -> bytes:
    """The file as a reader takes it: as it is, but for excel, whose backslashes nobody undoes."""
    return data.replace(b'"\\', b"\\") if dialect == "excel" else data


def read_by_python(dialect: DialectName, data: bytes) -> list[list[str]]:
    """The records below the header."""
    file = io.StringIO(undone(dialect, data).decode(), newline="")
    records: list[list[str]] = list(eval(PYTHON[dialect], {"csv": csv, "file": file}))
    return records[1:]


def read_by_pandas(dialect: DialectName, data: bytes) -> pd.DataFrame:
    file = io.BytesIO(undone(dialect, data))
    frame: pd.DataFrame = eval(PANDAS[dialect], {"pd": pd, "file": file})
    return frame


def read_by_duckdb(
    file_format: CsvFormat, data: bytes, columns: Mapping[str, str], folder: Path
) -> list[Sequence[Any]]:
    """The rows, with the columns' values taken for these types."""
    path = folder / f"file.{file_format.extension}"
    path.write_bytes(undone(file_format.dialect, data) if file_format.compression == "none" else data)
    told = f"{DUCKDB_ALWAYS}, {DUCKDB[file_format.dialect]}"
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        rows = connection.sql(f"select * from read_csv('{path}', {told}, columns={dict(columns)})")
        return [tuple(row.values()) for row in rows.to_arrow_table().to_pylist()]


def read_by_postgresql(
    dialect: DialectName, data: bytes, columns: Mapping[str, str], url: str, *, also: str = ""
) -> list[tuple[Any, ...]]:
    """The rows in the order of the file; `also`: what COPY is told besides."""
    declared = ", ".join(f"{name} {type_}" for name, type_ in columns.items())
    # Python has no local time at year 9999 in any zone but UTC.
    with (
        psycopg.connect(url.replace("+psycopg", ""), options="-c timezone=UTC") as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(f"create temporary table loaded ({declared}, position serial)".encode())
        names = ", ".join(columns)
        with cursor.copy(f"copy loaded ({names}) from stdin ({POSTGRESQL[dialect]}{also})".encode()) as copy:
            copy.write(undone(dialect, data))
        cursor.execute(f"select {names} from loaded order by position".encode())
        return cursor.fetchall()
