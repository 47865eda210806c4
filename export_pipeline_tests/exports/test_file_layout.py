"""Which of the hours that a task asks for share a file."""

from datetime import timedelta

from export_pipeline.exports.file_layout import FileLayout
from export_pipeline.windows import HourRange, HourWindow
from export_pipeline_tests.builders import FIRST_HOUR, an_hour

SINCE = FIRST_HOUR + timedelta(minutes=30)
UNTIL = an_hour(2).start


def test_hourly_every_hour_is_by_itself() -> None:
    assert FileLayout.HOURLY.windows(SINCE, UNTIL) == (
        HourWindow(FIRST_HOUR, SINCE, FIRST_HOUR + timedelta(hours=1)),
        an_hour(1),
    )


def test_single_all_of_them_are_one() -> None:
    (whole,) = FileLayout.SINGLE.windows(SINCE, UNTIL)
    assert isinstance(whole, HourRange)
    assert whole.hours == FileLayout.HOURLY.windows(SINCE, UNTIL)


def test_it_is_spelled_in_definitions_as_people_write_it() -> None:
    assert [*FileLayout] == ["hourly", "single"]
