"""What is read back has an end, in bytes and in time."""

import time
from collections.abc import Iterator
from itertools import repeat

import pytest

from export_pipeline.connectors.pacing import paced
from export_pipeline.errors import TransientFailure


def dripping() -> Iterator[bytes]:
    while True:
        time.sleep(0.01)
        yield b"x"


def test_all_of_it_comes_through() -> None:
    assert [*paced([b"abc", b"", b"de"], 5)] == [b"abc", b"", b"de"]


def test_what_is_too_long_is_read_until_that_is_seen() -> None:
    assert [*paced(repeat(b"xx"), 5)] == [b"xx", b"xx", b"xx"]


def test_what_comes_too_slowly_is_given_up() -> None:
    with pytest.raises(TransientFailure, match=r"of 100,000 bytes the store gave .* look why it is so slow"):
        for _ in paced(dripping(), 100_000, seconds=0.1, slowest=1_000_000):
            pass


def test_a_large_file_may_take_its_time() -> None:
    assert len([*paced((next(dripping()) for _ in range(30)), 30, seconds=0.0, slowest=1)]) == 30
