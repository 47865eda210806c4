"""Keys and metadata that every store takes, and no others."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_pipeline.connectors.limits import (
    AZURE_KEYS,
    FOLDER_KEYS,
    GCS_KEYS,
    S3_KEYS,
    KeyLimits,
    checked_key,
    checked_metadata,
    checked_prefix,
    shown,
    told,
)
from export_pipeline.errors import PermanentFailure

LONG = "é" * 120 + "/"  # 241 bytes, 121 characters


@pytest.mark.parametrize(
    ("limits", "longest"),
    [
        (S3_KEYS, "ü" * 512),
        (GCS_KEYS, "ü" * 512),
        (AZURE_KEYS, "ü" * 1024),
        (FOLDER_KEYS, LONG * 16 + "x" * 239),
        (S3_KEYS.below("exports/daily"), "x" * (1024 - len("exports/daily/"))),
        (AZURE_KEYS.below("é" * 23), "x" * 1000),
        (FOLDER_KEYS.below("/srv"), LONG * 16 + "x" * 234),
    ],
)
def test_a_key_may_be_as_long_as_its_store_takes_and_no_longer(limits: KeyLimits, longest: str) -> None:
    assert checked_key(longest, limits) == longest
    with pytest.raises(PermanentFailure, match=f"and may take {limits.whole}; change the path"):
        checked_key(f"{longest}x", limits)


def test_the_prefix_counts_and_is_said_to() -> None:
    assert S3_KEYS.below("a/b").problem("x" * 1021) == (
        "it takes 1025 bytes with the connector's prefix and may take 1024"
    )
    assert S3_KEYS.below("") == S3_KEYS


@pytest.mark.parametrize(
    ("limits", "key", "problem"),
    [
        (FOLDER_KEYS, f"a/{'x' * 256}/b", "a part between its slashes takes 256 bytes and may take 255"),
        (FOLDER_KEYS, f"a/{'ü' * 128}", "a part between its slashes takes 256 bytes and may take 255"),
        (AZURE_KEYS, "a./b", "a part between its slashes ends with a dot"),
        (AZURE_KEYS, "a/b.", "a part between its slashes ends with a dot"),
        (AZURE_KEYS.below("a/b"), "x/" * 252 + "x", "it has 255 parts between its slashes and may have 254"),
        (KeyLimits(whole=9, reserved=".ours"), ".Ours/x", ".ours is ours"),
    ],
)
def test_what_a_store_does_not_take_is_named(limits: KeyLimits, key: str, problem: str) -> None:
    assert limits.problem(key) == problem


@pytest.mark.parametrize(
    ("limits", "key"),
    [
        (S3_KEYS, f"a./{'x' * 256}"),
        (FOLDER_KEYS, f"a./{'x' * 255}"),
        (AZURE_KEYS, "a/.b/c.d"),
        (AZURE_KEYS.below("a/b"), "x/" * 251 + "x"),
        (KeyLimits(whole=9, reserved=".ours"), "x/.ours"),
    ],
)
def test_what_only_other_stores_refuse_is_taken(limits: KeyLimits, key: str) -> None:
    assert limits.problem(key) is None


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


def test_an_error_tells_a_stores_words_on_one_line_and_not_for_pages() -> None:
    assert told("Invalid\r\n  argument\x1b[31m: größer\0") == "Invalid argument[31m: größer"
    assert told("x" * 900_000) == "x" * 300 + "..."


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
