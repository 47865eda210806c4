"""TOML and JSON from files and from standard input."""

import io
import sys
from pathlib import Path

import pytest

from export_pipeline.documents import read_document
from export_pipeline.errors import InvalidRequest

EXPECTED = {"type": "s3", "bucket": "sales", "nested": {"deep": [1, 2]}}
TOML = 'type = "s3"\nbucket = "sales"\n[nested]\ndeep = [1, 2]\n'
JSON = '\n {"type": "s3", "bucket": "sales", "nested": {"deep": [1, 2]}}'


@pytest.mark.parametrize("text", [TOML, JSON, f"\ufeff{JSON}"], ids=["toml", "json", "with a mark"])
def test_the_language_can_be_seen(tmp_path: Path, text: str) -> None:
    file = tmp_path / "a file without an ending"
    file.write_text(text, encoding="utf-8")

    assert read_document(str(file), field="--config") == EXPECTED


def test_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TOML.encode())))

    assert read_document("-", field="--config") == EXPECTED


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "s3.toml"

    with pytest.raises(InvalidRequest, match=f"--config: {missing} cannot be read: No such file"):
        read_document(str(missing), field="--config")


def test_a_mistake_is_told_with_its_place_and_without_the_text(tmp_path: Path) -> None:
    file = tmp_path / "s3.toml"
    file.write_text('type = "s3"\nsecret = hunter2\n')

    with pytest.raises(InvalidRequest, match="line 2") as caught:
        read_document(str(file), field="--config")

    assert "hunter2" not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("text", ['{"a":' * 100_000, "a = " + "[" * 100_000], ids=["json", "toml"])
def test_what_is_nested_too_deeply_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "deep"
    file.write_text(text)

    with pytest.raises(InvalidRequest, match="neither TOML nor JSON: it is nested too deeply"):
        read_document(str(file), field="--config")


def test_a_file_of_bytes_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "s3.toml"
    file.write_bytes(b"type = \xff")

    with pytest.raises(InvalidRequest, match=r"is not UTF-8 text \(byte 7\)"):
        read_document(str(file), field="--config")
