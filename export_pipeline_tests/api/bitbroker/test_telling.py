"""A header that says what was passed over, whatever strangers wrote."""

from export_pipeline.api.bitbroker.telling import HEADER, LONGEST, telling


def test_nothing_is_told_where_nothing_was_passed_over() -> None:
    assert telling(None) == {}


def test_no_strangers_words_end_a_header() -> None:
    told = telling("is\r\nX-Evil: 1 é \x7f" + "x" * 1_000)[HEADER]

    assert len(told) == LONGEST
    assert told.startswith("is??X-Evil: 1 \\xe9 ?")
