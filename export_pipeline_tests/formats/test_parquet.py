"""Parquet, read back by readers that we did not write."""

import io
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from export_pipeline.dataset.types import Kind
from export_pipeline.errors import InvalidRequest, TransientFailure
from export_pipeline.formats.parquet import BYTES_PER_GROUP, ROWS_PER_GROUP, ParquetFormat
from export_pipeline_tests.builders import a_column
from export_pipeline_tests.formats.rows import (
    VALUES,
    a_batch,
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
@pytest.mark.parametrize("compression", ["zstd", "snappy", "gzip", "none"])
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


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("compression", ["zstd", "snappy", "gzip", "none"])
def test_polars_reads_back_every_value_and_null(kind: Kind, compression: str) -> None:
    values = [*VALUES[kind], None]
    batch = one_column(kind, values)
    file_format = ParquetFormat.model_validate({"compression": compression})
    found = pl.read_parquet(io.BytesIO(written(file_format, batch.schema, batch)))["value"].to_list()
    assert comparable(kind, found) == comparable(kind, values)


@pytest.mark.parametrize("statistics", [True, False])
def test_readers_find_rows_in_any_group_with_statistics_and_without(statistics: bool, tmp_path: Path) -> None:
    schema = a_schema(id="int64")
    path = tmp_path / "file.parquet"
    file_format = ParquetFormat(row_group_rows=1_000, statistics=statistics)
    path.write_bytes(written(file_format, schema, numbers(schema, 5_500)))
    with duckdb.connect() as connection:
        found = connection.execute(f"select * from '{path}' where id between 2999 and 3000").fetchall()
    assert found == [(2999,), (3000,)]
    assert pl.scan_parquet(path).filter(pl.col("id") > 5_498).collect()["id"].to_list() == [5_499]
    assert pd.read_parquet(path, filters=[("id", "==", 1_000)])["id"].tolist() == [1_000]


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


def test_row_groups_can_be_of_another_size() -> None:
    schema = a_schema(id="int64")
    groups = metadata(written(ParquetFormat(row_group_rows=1_000), schema, numbers(schema, 2_001)))
    assert [groups.row_group(i).num_rows for i in range(groups.num_row_groups)] == [1_000, 1_000, 1]


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


def test_statistics_can_be_left_out() -> None:
    schema = a_schema(id="int64")
    file = metadata(written(ParquetFormat(statistics=False), schema, numbers(schema, 10)))
    assert file.row_group(0).column(0).statistics is None


@pytest.mark.parametrize("compression", ["zstd", "snappy", "gzip", "none"])
def test_pages_are_compressed_as_asked(compression: str) -> None:
    schema = a_schema(id="int64")
    file_format = ParquetFormat.model_validate({"compression": compression})
    column = metadata(written(file_format, schema, numbers(schema, 10))).row_group(0).column(0)
    assert column.compression == {"none": "UNCOMPRESSED"}.get(compression, compression.upper())


def test_columns_can_have_display_names_and_constants_around_them() -> None:
    schema = a_schema(a_b="int32")
    constants = {"prepend_columns": [{"value": "v", "slug": "first", "name": "Erste"}]}
    file_format = ParquetFormat.model_validate({"names": "display", **constants})
    table = pq.read_table(io.BytesIO(written(file_format, schema, a_batch(schema, {"a_b": 1}))))
    assert table.to_pylist() == [{"Erste": "v", "A_B": 1}]
    assert pl.read_parquet(io.BytesIO(written(file_format, schema))).columns == ["Erste", "A_B"]


def test_columns_of_one_name_are_refused() -> None:
    columns = [a_column("a", display_name="X"), a_column("b", display_name="X")]
    with pytest.raises(InvalidRequest, match="choose names=api") as refused:
        ParquetFormat(names="display").check(columns)
    assert refused.value.field == "format.names"
    ParquetFormat().check(columns)


def test_a_damaged_page_is_refused() -> None:
    schema = a_schema(id="int64")
    data = bytearray(written(ParquetFormat(compression="none"), schema, numbers(schema, 1000)))
    data[len(data) // 4] ^= 0xFF
    with pytest.raises(TransientFailure, match="damaged"):
        ParquetFormat().count_rows(io.BytesIO(bytes(data)))
