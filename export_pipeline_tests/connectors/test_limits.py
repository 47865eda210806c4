"""Keys and metadata that every store takes, and no others."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_pipeline.connectors.limits import (
    MAX_KEY_BYTES,
    checked_key,
    checked_metadata,
    checked_prefix,
    shown,
)
from export_pipeline.errors import PermanentFailure


def test_a_key_of_the_greatest_length_is_taken() -> None:
    key = "ü" * (MAX_KEY_BYTES // 2)

    assert checked_key(key) == key


def test_a_key_is_measured_in_bytes() -> None:
    with pytest.raises(PermanentFailure, match="takes 1026 bytes and may take 1024"):
        checked_key("ü" * (MAX_KEY_BYTES // 2 + 1))


@given(key=st.text(alphabet="./a\\~\0\x7f\x85 ü", max_size=8))
def test_a_key_that_is_taken_stays_inside(key: str) -> None:
    try:
        checked_key(key)
    except PermanentFailure:
        return
    assert not {"", ".", ".."} & set(key.split("/"))
    assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in key)


@given(key=st.text(alphabet="./ab", min_size=1, max_size=8))
def test_the_beginning_of_a_key_is_a_prefix(key: str) -> None:
    try:
        checked_key(key)
    except PermanentFailure:
        return
    for length in range(len(key)):
        assert checked_prefix(key[:length]) == key[:length]


def test_an_error_shows_no_control_characters_and_no_pages() -> None:
    shown_key = shown("\x1b[2J" + "x" * 10_000)

    assert "\x1b" not in shown_key
    assert len(shown_key) < 300


def test_all_printable_ascii_is_taken_as_metadata() -> None:
    metadata = {"all": "".join(sorted(set(string.printable) - set(string.whitespace))), "two-words": "a b"}

    assert checked_metadata(metadata) == metadata


@pytest.mark.parametrize(
    "metadata",
    [
        {"": "1"},
        {"Upper": "1"},
        {"under_score": "1"},
        {"1st": "1"},
        {"line": "1\r\nx-amz-acl: public-read"},
        {"accent": "é"},
        {"empty": ""},
        {"outer": "1 "},
        {"long": "x" * 1_917},
    ],
    ids=lambda metadata: next(iter(metadata)) or "nameless",
)
def test_metadata_that_a_header_cannot_carry_is_refused(metadata: dict[str, str]) -> None:
    with pytest.raises(PermanentFailure):
        checked_metadata(metadata)
