"""JSON: one list, whole and counted. `test_objects` reads the values back."""

import io
import json
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from export_pipeline.errors import TransientFailure
from export_pipeline.formats.formatter import ROWS_PER_BLOCK
from export_pipeline.formats.json import JsonFormat
from export_pipeline_tests.formats.rows import a_batch, a_schema, every_kind, written

PLAIN = JsonFormat(compression="none")
GOLDEN = Path(__file__).parents[1] / "golden" / "formats"
SCHEMA = a_schema(a="int32")


def numbers(count: int) -> bytes:
    return written(PLAIN, SCHEMA, a_batch(SCHEMA, *({"a": n} for n in range(count))))


def test_without_rows_the_list_is_empty() -> None:
    assert written(PLAIN, SCHEMA) == b"[]\n"


def test_there_is_a_line_for_each_row() -> None:
    assert numbers(2) == b'[\n{"a":0},\n{"a":1}\n]\n'


@pytest.mark.parametrize("count", [0, 1, 2, ROWS_PER_BLOCK, ROWS_PER_BLOCK + 1])
def test_it_is_one_list_however_many_blocks_it_came_in(count: int) -> None:
    data = numbers(count)
    assert json.loads(data) == [{"a": n} for n in range(count)]
    assert PLAIN.count_rows(io.BytesIO(data)) == count


def test_pandas_and_duckdb_read_the_list(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(numbers(3))
    assert pd.read_json(path)["a"].tolist() == [0, 1, 2]
    with duckdb.connect() as connection:
        assert connection.execute(f"select a from '{path}'").fetchall() == [(0,), (1,), (2,)]


@pytest.mark.parametrize("data", [b"", b"[", b"]\n", b'[\n{"a":1},\n', b'[\n{"a":1}\n]', b'{"a":1}\n]\n'])
def test_a_list_without_beginning_or_end_is_refused(data: bytes) -> None:
    with pytest.raises(TransientFailure, match="cut off"):
        PLAIN.count_rows(io.BytesIO(data))


def test_the_bytes_are_the_golden_ones() -> None:
    assert written(PLAIN, *every_kind()) == (GOLDEN / "every_kind.json").read_bytes()
