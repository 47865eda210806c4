"""JSON Lines: lines, whole and counted. `test_objects` reads the values back."""

import hashlib
import io
from pathlib import Path

import pytest

from export_pipeline.errors import TransientFailure
from export_pipeline.formats.jsonl import JsonlFormat
from export_pipeline_tests.formats.rows import a_schema, every_kind, written

PLAIN = JsonlFormat(compression="none")
GOLDEN = Path(__file__).parents[1] / "golden" / "formats"


def test_without_rows_there_is_nothing() -> None:
    assert written(PLAIN, a_schema(a="int32")) == b""


def test_a_file_cut_off_in_a_line_is_refused() -> None:
    with pytest.raises(TransientFailure, match="cut off"):
        PLAIN.count_rows(io.BytesIO(b'{"a":1}\n{"a":'))


def test_the_bytes_are_the_golden_ones() -> None:
    assert written(PLAIN, *every_kind()) == (GOLDEN / "every_kind.jsonl").read_bytes()


def test_the_compressed_bytes_are_the_golden_ones() -> None:
    # Pins igzip's output, see test_csv.
    digest = hashlib.sha256(written(JsonlFormat(), *every_kind())).hexdigest()
    assert digest == (GOLDEN / "every_kind.jsonl.gz.sha256").read_text().strip()
