"""Bytes are cut into parts as S3 wants them."""

from contextlib import closing
from itertools import accumulate

import pytest

from export_pipeline.connectors.parts import (
    FIRST_PART_BYTES,
    LARGEST_PART_IN_MEMORY,
    MAX_OBJECT_BYTES,
    MAX_PART_BYTES,
    MAX_PARTS,
    MIB,
    Part,
    Parts,
    part_size,
)
from export_pipeline.errors import PermanentFailure
from export_pipeline_tests.connectors.objects import noise, odd_pieces


def cut(*pieces: bytes) -> list[bytes]:
    """The bytes of each part, in order."""
    found = []
    with closing(Parts()) as parts:
        for piece in pieces:
            found += [_bytes(part) for part in parts.add(piece)]
        return [*found, _bytes(parts.last)]


def _bytes(part: Part) -> bytes:
    part.body.seek(0)
    return part.body.read()


def test_ten_thousand_parts_hold_the_largest_object() -> None:
    sizes = [part_size(number) for number in range(1, MAX_PARTS + 1)]

    assert sum(sizes) >= MAX_OBJECT_BYTES
    assert max(sizes) <= MAX_PART_BYTES
    assert min(sizes) >= 5 * MIB


def test_parts_wait_in_memory_for_the_first_fifty_gigabytes() -> None:
    sizes = [part_size(number) for number in range(1, MAX_PARTS + 1)]
    in_memory = sum(size <= LARGEST_PART_IN_MEMORY for size in sizes)

    assert list(accumulate(sizes))[in_memory - 1] > 50 * 10**9


def test_what_fits_is_one_part() -> None:
    assert cut(noise(FIRST_PART_BYTES)) == [noise(FIRST_PART_BYTES)]


def test_nothing_is_one_empty_part() -> None:
    assert cut() == [b""]
    assert cut(b"", b"") == [b""]


def test_one_byte_more_is_a_second_part() -> None:
    content = noise(FIRST_PART_BYTES + 1)

    assert cut(content) == [content[:-1], content[-1:]]


@pytest.mark.parametrize("whole", [True, False])
def test_parts_joined_are_what_was_written(whole: bool) -> None:
    content = noise(3 * FIRST_PART_BYTES + 5)

    parts = cut(content) if whole else cut(*odd_pieces(content))

    assert b"".join(parts) == content
    assert [len(part) for part in parts] == [FIRST_PART_BYTES] * 3 + [5]


def test_there_are_no_more_parts_than_stores_take() -> None:
    Part(MAX_PARTS).close()

    with pytest.raises(PermanentFailure, match="export fewer rows"):
        Part(MAX_PARTS + 1)


def test_a_part_too_large_for_memory_waits_in_a_file() -> None:
    number = next(n for n in range(1, MAX_PARTS) if part_size(n) > LARGEST_PART_IN_MEMORY)

    with closing(Part(number)) as part:
        part.take(memoryview(bytes(LARGEST_PART_IN_MEMORY + 1)))

        assert isinstance(part.body.fileno(), int)
        assert part.body.tell() == LARGEST_PART_IN_MEMORY + 1


def test_a_part_is_handed_over_from_its_beginning_as_often_as_asked() -> None:
    with closing(Part(1)) as part:
        part.take(memoryview(b"12"))

        assert part.size == 2
        assert [part.content(), part.content()] == [b"12", b"12"]
        assert part.content(1) == b"2"
        assert list(part.pieces()) == [b"12"]
        part.take(memoryview(b"3"))
        assert part.content() == b"123"


def test_a_part_that_waits_in_a_file_is_not_read_into_memory() -> None:
    number = next(n for n in range(1, MAX_PARTS) if part_size(n) > LARGEST_PART_IN_MEMORY)

    with closing(Part(number)) as part:
        part.take(memoryview(bytes(LARGEST_PART_IN_MEMORY + 1)))
        content = part.content()

        assert not isinstance(content, bytes)
        assert len(content.read()) == part.size
