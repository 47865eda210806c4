"""Compression: the same bytes in, the same bytes out, whatever the pieces."""

import gzip
import io
from typing import get_args

import pyarrow as pa
import pytest

from export_pipeline.errors import TransientFailure
from export_pipeline.formats.compression import PIECE, SUFFIXES, Compression, compressed, decompressed

DATA = b"".join(b"%d,some text,%d\r\n" % (n, n * n) for n in range(200_000))


@pytest.fixture(params=get_args(Compression))
def compression(request: pytest.FixtureRequest) -> Compression:
    found: Compression = request.param
    return found


def packed(compression: Compression, *pieces: bytes) -> bytes:
    sink = io.BytesIO()
    with compressed(sink, compression) as out:
        for piece in pieces:
            out.write(piece)
    return sink.getvalue()


def unpacked(compression: Compression, data: bytes) -> bytes:
    return b"".join(decompressed(io.BytesIO(data), compression))


def test_what_is_read_back_is_what_was_written(compression: Compression) -> None:
    assert unpacked(compression, packed(compression, DATA)) == DATA


def test_nothing_is_read_back_as_nothing(compression: Compression) -> None:
    assert unpacked(compression, packed(compression)) == b""


@pytest.mark.parametrize("size", [1_000, PIECE - 1, PIECE, PIECE + 1])
def test_the_pieces_do_not_change_the_bytes(compression: Compression, size: int) -> None:
    pieces = [DATA[start : start + size] for start in range(0, len(DATA), size)]
    assert packed(compression, *pieces) == packed(compression, DATA)


def test_it_is_read_in_pieces(compression: Compression) -> None:
    data = packed(compression, b"\0" * (8 * PIECE))
    assert max(map(len, decompressed(io.BytesIO(data), compression))) <= PIECE


def test_every_compression_has_its_suffix() -> None:
    assert set(SUFFIXES) == set(get_args(Compression))


def test_gzip_names_no_time_and_no_file() -> None:
    flags, mtime = packed("gzip", DATA)[3], packed("gzip", DATA)[4:8]
    assert (flags, mtime) == (0, b"\0\0\0\0")


def test_gzip_is_one_member_that_python_reads() -> None:
    assert gzip.decompress(packed("gzip", DATA)) == DATA


def test_zstd_is_what_arrow_reads() -> None:
    assert pa.input_stream(pa.py_buffer(packed("zstd", DATA)), compression="zstd").read() == DATA


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
@pytest.mark.parametrize("cut", [0, 1, 100, -1])
def test_a_file_cut_off_is_refused(compression: Compression, cut: int) -> None:
    with pytest.raises(TransientFailure, match=f"the {compression} file is"):
        unpacked(compression, packed(compression, DATA)[:cut])


def test_a_damaged_gzip_file_is_refused() -> None:
    data = bytearray(packed("gzip", DATA))
    data[len(data) // 2] ^= 0xFF
    with pytest.raises(TransientFailure, match="damaged"):
        unpacked("gzip", bytes(data))


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_what_was_never_compressed_is_refused(compression: Compression) -> None:
    with pytest.raises(TransientFailure, match="damaged"):
        unpacked(compression, b"a,b\r\n1,2\r\n" * 100)


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_an_error_leaves_a_file_without_an_end(compression: Compression) -> None:
    sink = io.BytesIO()

    def write_and_fail() -> None:
        with compressed(sink, compression) as out:
            out.write(DATA)
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        write_and_fail()
    with pytest.raises(TransientFailure):
        unpacked(compression, sink.getvalue())
