"""Documents for machines and lines for people."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest

from export_pipeline.cli.printing import (
    LINES_FOR_PEOPLE,
    as_json,
    moment,
    number,
    print_line,
    print_some,
    print_table,
    second,
)


def test_times_in_a_document_are_utc_and_say_so() -> None:
    berlin = datetime(2026, 1, 5, 6, tzinfo=timezone(timedelta(hours=1)))

    assert as_json({"at": berlin}) == '{\n  "at": "2026-01-05T05:00:00Z"\n}'


def test_what_has_no_form_in_json_is_a_bug() -> None:
    with pytest.raises(TypeError, match="set has no form in JSON"):
        as_json({"at": {1}})


def test_a_moment_can_be_typed_again() -> None:
    assert moment(datetime(2026, 1, 5, 5, tzinfo=UTC)) == "2026-01-05T05:00:00Z"


def test_what_happened_is_told_to_the_second() -> None:
    assert second(datetime(2026, 1, 5, 5, 0, 1, 999_999, tzinfo=UTC)) == "2026-01-05T05:00:01Z"


@pytest.mark.parametrize("said", [moment, second])
def test_no_moment_is_a_dash(said: Callable[[None], str]) -> None:
    assert said(None) == "-"


def test_brackets_are_printed_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    print_line("origin IN [bold]'JFK'[/bold] :smile:")

    assert capsys.readouterr().out == "origin IN [bold]'JFK'[/bold] :smile:\n"


def test_a_row_of_a_table_is_one_line_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["name", number("rows")], [("x" * 300, "1")])

    assert f"{'x' * 300}  " in capsys.readouterr().out


def test_many_lines_are_cut_short_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    print_some([str(line) for line in range(LINES_FOR_PEOPLE + 2)])

    assert capsys.readouterr().out.splitlines()[-1] == "  ... and 2 more; --json lists them all"
