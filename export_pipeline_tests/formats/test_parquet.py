"""Parquet, read back by readers that we did not write."""

import io
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from export_pipeline.dataset.types import Kind
from export_pipeline.errors import TransientFailure
from export_pipeline.formats.parquet import BYTES_PER_GROUP, ROWS_PER_GROUP, ParquetFormat
from export_pipeline_tests.formats.rows import (
    VALUES,
    a_schema,
    comparable,
    every_kind,
    one_column,
    written,
)


def metadata(data: bytes) -> pq.FileMetaData:
    return pq.ParquetFile(io.BytesIO(data)).metadata


def numbers(schema: pa.Schema, count: int) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array(range(count), pa.int64())], schema=schema)


@pytest.mark.parametrize("kind", Kind)
def test_arrow_reads_back_every_value_and_null(kind: Kind) -> None:
    values = [*VALUES[kind], None]
    batch = one_column(kind, values)
    table = pq.read_table(io.BytesIO(written(ParquetFormat(), batch.schema, batch)))
    assert comparable(kind, table["value"].to_pylist()) == comparable(kind, values)


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("compression", ["zstd", "snappy", "none"])
def test_duckdb_reads_back_every_value_and_null(kind: Kind, compression: str, tmp_path: Path) -> None:
    values = [*VALUES[kind], None]
    batch = one_column(kind, values)
    path = tmp_path / "file.parquet"
    path.write_bytes(written(ParquetFormat.model_validate({"compression": compression}), batch.schema, batch))
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        found = connection.sql(f"select value from '{path}'").to_arrow_table()["value"].to_pylist()
    assert comparable(kind, found) == comparable(kind, values)


@pytest.mark.parametrize("kind", Kind)
def test_pandas_reads_back_every_value_and_null(kind: Kind) -> None:
    values = [*VALUES[kind], None]
    batch = one_column(kind, values)
    data = io.BytesIO(written(ParquetFormat(), batch.schema, batch))
    found = pa.array(pd.read_parquet(data, dtype_backend="pyarrow")["value"].array).to_pylist()
    assert comparable(kind, found) == comparable(kind, values)


def test_the_types_are_the_declared_ones() -> None:
    schema, batch = every_kind()
    read = pq.read_schema(io.BytesIO(written(ParquetFormat(), schema, batch)))
    assert read.equals(schema, check_metadata=False)


def test_a_file_without_rows_has_the_declared_types() -> None:
    schema, _ = every_kind()
    read = pq.read_schema(io.BytesIO(written(ParquetFormat(), schema)))
    assert read.equals(schema, check_metadata=False)


def test_instants_are_marked_as_utc_and_wall_clocks_are_not() -> None:
    schema, batch = every_kind()
    columns = pq.ParquetFile(io.BytesIO(written(ParquetFormat(), schema, batch))).schema
    marked = {
        columns.column(n).name
        for n in range(len(schema))
        if "isAdjustedToUTC=true" in str(columns.column(n).logical_type)
    }
    assert marked == {"timestamp"}


def test_nothing_of_our_own_is_in_the_file() -> None:
    schema, batch = every_kind()
    data = written(ParquetFormat(), schema, batch)
    assert metadata(data).metadata is None
    assert b"display_name" not in data


def test_row_groups_end_at_a_fixed_number_of_rows() -> None:
    schema = a_schema(id="int64")
    data = written(ParquetFormat(), schema, numbers(schema, ROWS_PER_GROUP), numbers(schema, 5))
    groups = metadata(data)
    assert [groups.row_group(i).num_rows for i in range(groups.num_row_groups)] == [ROWS_PER_GROUP, 5]


def test_row_groups_of_wide_rows_end_sooner() -> None:
    schema = a_schema(text="string")
    text = "x" * (BYTES_PER_GROUP // 3)
    batches = [pa.RecordBatch.from_arrays([pa.array([text])], schema=schema) for _ in range(7)]
    groups = metadata(written(ParquetFormat(), schema, *batches))
    # The lengths divide the limit, less one byte: three rows fit.
    assert [groups.row_group(i).num_rows for i in range(groups.num_row_groups)] == [3, 3, 1]


def test_columns_have_statistics() -> None:
    schema = a_schema(id="int64")
    file = metadata(written(ParquetFormat(), schema, numbers(schema, 10)))
    statistics = file.row_group(0).column(0).statistics
    assert statistics is not None
    assert (statistics.min, statistics.max, statistics.null_count) == (0, 9, 0)


def test_a_damaged_page_is_refused() -> None:
    schema = a_schema(id="int64")
    data = bytearray(written(ParquetFormat(compression="none"), schema, numbers(schema, 1000)))
    data[len(data) // 4] ^= 0xFF
    with pytest.raises(TransientFailure, match="damaged"):
        ParquetFormat().count_rows(io.BytesIO(bytes(data)))
