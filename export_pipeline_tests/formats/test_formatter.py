"""Blocks: a function of the rows alone."""

from collections.abc import Sequence
from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_pipeline.errors import InvalidRequest, PermanentFailure
from export_pipeline.formats.formatter import blocks, still_possible
from export_pipeline_tests.formats.rows import a_schema

SCHEMA = a_schema(n="int64", text="string")


def a_batch_of(texts: Sequence[str | None]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(
        [pa.array(range(len(texts)), pa.int64()), pa.array(texts, pa.string())], schema=SCHEMA
    )


def sizes(*batches: pa.RecordBatch, rows: int, size: int) -> list[int]:
    return [block.num_rows for block in blocks(batches, SCHEMA, rows=rows, size=size)]


def test_a_block_ends_at_its_number_of_rows() -> None:
    assert sizes(a_batch_of(["x"] * 4), a_batch_of(["x"] * 3), rows=3, size=10**6) == [3, 3, 1]


def test_a_block_ends_before_its_bytes_are_too_many() -> None:
    # 8 bytes for the number and 12 for the text: two rows fit into 40 bytes, and not into 39.
    batch = a_batch_of(["x" * 12] * 5)
    assert sizes(batch, rows=100, size=40) == [2, 2, 1]
    assert sizes(batch, rows=100, size=39) == [1, 1, 1, 1, 1]


def test_a_row_larger_than_a_block_is_one_by_itself() -> None:
    assert sizes(a_batch_of(["x", "x" * 1000, "x"]), rows=100, size=100) == [1, 1, 1]


def test_no_rows_are_no_blocks() -> None:
    assert sizes(a_batch_of([]), rows=3, size=100) == []


def test_rows_without_texts_are_measured_too() -> None:
    schema = a_schema(n="int64")
    batch = pa.RecordBatch.from_arrays([pa.array(range(5), pa.int64())], schema=schema)
    assert [block.num_rows for block in blocks([batch], schema, rows=100, size=16)] == [2, 2, 1]


@given(
    texts=st.lists(st.none() | st.text("xy", max_size=30), max_size=30),
    cuts=st.lists(st.integers(0, 30), max_size=5),
    rows=st.integers(1, 8),
    size=st.integers(1, 100),
)
def test_blocks_do_not_depend_on_how_the_rows_came_in(
    texts: list[str | None], cuts: list[int], rows: int, size: int
) -> None:
    batch = a_batch_of(texts)
    ends = sorted([0, *cuts, max(len(texts), 30)])
    pieces = [batch.slice(start, end - start) for start, end in pairwise(ends)]
    expected = list(blocks([batch], SCHEMA, rows=rows, size=size))
    assert list(blocks(pieces, SCHEMA, rows=rows, size=size)) == expected
    assert pa.Table.from_batches(expected, SCHEMA) == pa.Table.from_batches([batch], SCHEMA)


@pytest.mark.parametrize("rows", [1, 7])
def test_a_block_is_never_empty(rows: int) -> None:
    assert 0 not in sizes(a_batch_of([]), a_batch_of(["x" * 200] * 20), a_batch_of([]), rows=rows, size=100)


def test_what_was_accepted_and_is_impossible_now_needs_a_change() -> None:
    with (
        pytest.raises(PermanentFailure, match=r"^no such thing \(the declaration was changed"),
        still_possible(),
    ):
        raise InvalidRequest("no such thing")
