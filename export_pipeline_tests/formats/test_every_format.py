"""What holds for each format with each of its compressions, and with options that change how it is written.

The formats come from the union.
"""

import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from export_pipeline.dataset.types import Kind
from export_pipeline.errors import TransientFailure
from export_pipeline.formats.dialects import DIALECTS
from export_pipeline.formats.file_format import FileFormat, every_format, format_from, options_of
from export_pipeline.formats.formatter import ROWS_PER_BLOCK
from export_pipeline_tests.formats.rows import DECLARED, VALUES, a_batch, a_schema, one_column, written

MANY_ROWS = ROWS_PER_BLOCK + 1_234
MB = 2**20

CONSTANTS = {
    "prepend_columns": [{"value": 'one, "two"\r\n', "slug": "first.of.all", "name": "First"}],
    "append_columns": [{"value": "", "slug": "last"}],
}

OPTIONS: list[dict[str, Any]] = [
    *({"type": "csv", "dialect": dialect} for dialect in DIALECTS if dialect != "rfc4180"),
    {"type": "csv", "quoting": "all", "delimiter": ";", "null": "NULL", "header": "display"},
    {"type": "csv", "header": "none", "sep_line": True, "defuse_formulas": True, **CONSTANTS},
    {"type": "csv", "header": "none", "quoting": "nonnumeric"},
    {"type": "jsonl", "nested": True, **CONSTANTS},
    {"type": "json", "names": "display", **CONSTANTS},
    {"type": "parquet", "row_group_rows": 1_000, "statistics": False, "names": "display", **CONSTANTS},
]

PLAIN_FORMATS = every_format()
FORMATS = [*PLAIN_FORMATS, *(format_from({"compression": "none"} | options) for options in OPTIONS)]


def named(file_format: FileFormat) -> str:
    options = (f"{name}={value}" for name, value in options_of(file_format).items() if "columns" not in name)
    return "-".join([file_format.type, file_format.compression, *options])


@pytest.fixture(params=FORMATS, ids=named)
def file_format(request: pytest.FixtureRequest) -> FileFormat:
    found: FileFormat = request.param
    return found


def many_rows() -> pa.RecordBatch:
    schema = a_schema(id="int64", name="string", note="string")
    names = [f'row {i}, "quoted"\n' if i % 3 else None for i in range(MANY_ROWS)]
    return pa.RecordBatch.from_arrays(
        [pa.array(range(MANY_ROWS), pa.int64()), pa.array(names), pa.array(["\r\n"] * MANY_ROWS)],
        schema=schema,
    )


def count(file_format: FileFormat, data: bytes) -> int:
    return file_format.count_rows(io.BytesIO(data))


def test_the_rows_counted_are_the_rows_written(file_format: FileFormat) -> None:
    batch = many_rows()
    assert count(file_format, written(file_format, batch.schema, batch)) == MANY_ROWS


def test_a_file_without_rows_holds_none(file_format: FileFormat) -> None:
    assert count(file_format, written(file_format, a_schema(id="int64", name="string"))) == 0


def test_batches_without_rows_are_no_rows(file_format: FileFormat) -> None:
    schema = a_schema(id="int64", name="string")
    assert written(file_format, schema, a_batch(schema)) == written(file_format, schema)


@pytest.mark.parametrize("rows_per_batch", [997, ROWS_PER_BLOCK, ROWS_PER_BLOCK + 1])
def test_the_same_rows_in_other_batches_are_the_same_bytes(
    file_format: FileFormat, rows_per_batch: int
) -> None:
    batch = many_rows()
    pieces = [batch.slice(start, rows_per_batch) for start in range(0, MANY_ROWS, rows_per_batch)]
    assert written(file_format, batch.schema, *pieces) == written(file_format, batch.schema, batch)


def test_other_rows_are_other_bytes(file_format: FileFormat) -> None:
    batch = many_rows()
    assert written(file_format, batch.schema, batch) != written(file_format, batch.schema, batch.slice(1))


@pytest.mark.parametrize("kind", Kind)
def test_values_of_every_kind_are_rows(file_format: FileFormat, kind: Kind) -> None:
    batch = one_column(kind, [*VALUES[kind], None])
    assert count(file_format, written(file_format, batch.schema, batch)) == batch.num_rows


@pytest.mark.parametrize("kind", Kind)
def test_a_column_of_nothing_but_null_is_rows(file_format: FileFormat, kind: Kind) -> None:
    batch = a_batch(a_schema(value=DECLARED[kind]), {"value": None}, {"value": None})
    assert count(file_format, written(file_format, batch.schema, batch)) == 2


def test_the_given_schema_decides_whatever_metadata_the_batches_carry(file_format: FileFormat) -> None:
    batch = many_rows().slice(0, 10)
    bare = batch.replace_schema_metadata(None)
    bare = pa.RecordBatch.from_arrays(bare.columns, names=bare.schema.names)
    assert written(file_format, batch.schema, bare) == written(file_format, batch.schema, batch)


@pytest.mark.parametrize("file_format", PLAIN_FORMATS, ids=named)
def test_duckdb_reads_as_many_rows_by_the_name_alone(file_format: FileFormat, tmp_path: Path) -> None:
    schema = a_schema(id="int64", moment="timestamp", name="string")
    rows = [{"id": n, "name": f"name {n}", "moment": VALUES[Kind.TIMESTAMP][0]} for n in range(100)]
    path = tmp_path / f"file.{file_format.extension}"
    path.write_bytes(written(file_format, schema, a_batch(schema, *rows)))
    with duckdb.connect() as connection:
        what = "count(*), sum(id), count(moment), max(name)"
        found = connection.execute(f"select {what} from '{path}'").fetchone()
    assert found == (100, 4950, 100, "name 99")


def test_a_file_cut_off_is_refused(file_format: FileFormat) -> None:
    batch = many_rows()
    whole = written(file_format, batch.schema, batch)
    with pytest.raises(TransientFailure, match="write it again"):
        count(file_format, whole[:-20])


# Plain lines of text have no end that could be missing.
WITH_AN_END = [f for f in FORMATS if f.compression != "none" or f.type not in ("csv", "jsonl")]


@pytest.mark.parametrize("file_format", WITH_AN_END, ids=named)
def test_a_source_that_fails_leaves_no_file_that_looks_whole(file_format: FileFormat) -> None:
    batch = many_rows()
    sink = io.BytesIO()

    def torn() -> Iterator[pa.RecordBatch]:
        yield from [batch] * 5
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        file_format.write(torn(), batch.schema, sink)
    with pytest.raises(TransientFailure):
        count(file_format, sink.getvalue())


def test_the_sink_and_the_source_stay_open(file_format: FileFormat) -> None:
    batch = many_rows().slice(0, 3)
    file = io.BytesIO()
    file_format.write([batch], batch.schema, file)
    file.seek(0)
    file_format.count_rows(file)
    assert not file.closed


def test_a_very_long_text_is_one_value(file_format: FileFormat) -> None:
    batch = one_column(Kind.STRING, ['"\r\n\\😀' * 150_000, "x" * MB, None, "short"])
    assert count(file_format, written(file_format, batch.schema, batch)) == 4


A_VALUE: dict[Kind, st.SearchStrategy[Any]] = {
    kind: st.sampled_from(values) for kind, values in VALUES.items()
} | {
    Kind.STRING: st.text(st.characters(exclude_categories=["Cs"])),
    Kind.BYTES: st.binary(),
    Kind.INT64: st.integers(-(2**63), 2**63 - 1),
    Kind.FLOAT64: st.floats(),
}


@st.composite
def tables(draw: st.DrawFn) -> tuple[pa.RecordBatch, list[int]]:
    """Rows of any columns, and places to cut them."""
    kinds = draw(st.lists(st.sampled_from(Kind), min_size=1, max_size=5))
    schema = a_schema(**{f"c{n}": DECLARED[kind] for n, kind in enumerate(kinds)})
    row = st.fixed_dictionaries({f"c{n}": st.none() | A_VALUE[kind] for n, kind in enumerate(kinds)})
    rows = draw(st.lists(row, max_size=20))
    cuts = sorted(draw(st.lists(st.integers(0, len(rows)), max_size=4)))
    return a_batch(schema, *rows), cuts


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=tables())
def test_any_rows_however_cut_are_the_same_bytes_and_are_counted(
    file_format: FileFormat, table: tuple[pa.RecordBatch, list[int]]
) -> None:
    batch, cuts = table
    whole = written(file_format, batch.schema, batch)
    ends = [*cuts, batch.num_rows]
    pieces = [batch.slice(start, end - start) for start, end in zip([0, *cuts], ends, strict=True)]
    assert written(file_format, batch.schema, *pieces) == whole
    assert count(file_format, whole) == batch.num_rows


GROWTH = """
import io, resource, sys
import pyarrow as pa
from export_pipeline.formats.file_format import FileFormat, format_from
from export_pipeline_tests.formats.rows import a_schema

class Nowhere(io.RawIOBase):
    def writable(self): return True
    def write(self, data): return len(data)

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

file_format = format_from(sys.argv[1])
schema = a_schema(id="int64", text="string")
values = [f"{n} " + "some, \\"text\\" " * 20 for n in range(10_000)]
def batches(times):
    for n in range(times):
        ids = pa.array(range(10_000), pa.int64())
        yield pa.RecordBatch.from_arrays([ids, pa.array(values)], schema=schema)

file_format.write(batches(30), schema, Nowhere())
before = peak()
file_format.write(batches(90), schema, Nowhere())
print(peak() - before)
"""


def test_more_rows_take_no_more_memory(file_format: FileFormat) -> None:
    # 90 batches of 4 MB after 30: were they kept, the peak would grow by more than 200 MB.
    ran = subprocess.run(
        [sys.executable, "-c", GROWTH, file_format.model_dump_json()],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert int(ran.stdout) < 100 * MB
