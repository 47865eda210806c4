"""Path templates and contexts for property tests: few letters and many digits, so that keys often meet."""

from datetime import UTC, datetime

from hypothesis import strategies as st

from export_pipeline.connectors.limits import FOLDER_KEYS
from export_pipeline.errors import InvalidRequest
from export_pipeline.exports.naming import check_template
from export_pipeline.exports.variables import VARIABLES, KeyContext
from export_pipeline.windows import HourWindow
from export_pipeline_tests.builders import a_key_context

LITERALS = ["a", "b", "-", "_", ".", "/", "0", "1", "01", "13", "2013", "20130101", "$$", "t"]
TABLES = ["t", "t1", "t-1", "t01"]

literals = st.sampled_from(LITERALS)
# Those of the day come seldom among so many; `$crawl.day` and its like are what keys could go wrong over.
variables = st.sampled_from(
    [*sorted(VARIABLES), *["crawl.day", "crawl.month", "crawl.day_next_week", "crawl.20130101.day"] * 3]
).map(lambda name: f"${name}")

# Hours whose digits stand in the literals too, days and months of one and of two digits whose digits together
# are the same (1-11, 11-1; 1-1, 11; 1-13, 11-3), and revisions of one, two and four digits.
HOURS = [
    HourWindow(datetime(*parts, tzinfo=UTC))
    for parts in [
        (2013, 1, 1, 0),
        (2013, 1, 1, 1),
        (2013, 1, 13, 1),
        (2001, 1, 13, 20),
        (2020, 1, 13, 1),
        (2013, 1, 11, 1),
        (2013, 11, 1, 1),
        (2013, 11, 3, 1),
        (2013, 1, 12, 11),
        (2013, 11, 21, 1),
        (2013, 12, 31, 1),
    ]
]
REVISIONS = [1, 13, 2013]


@st.composite
def templates(draw: st.DrawFn, *, also: tuple[str, ...] = ()) -> str:
    """Any template with the variables `also`; most of them tell the whole hour."""
    parts = draw(st.lists(literals | variables, max_size=4))
    hour = draw(
        st.sampled_from(
            [
                ("$date", "$hour"),
                ("$year", "$month", "$day", "$hour"),
                ("$hour", "$date"),
                ("$crawl", "$hour"),
                ("$year", "$crawl.month", "$crawl.day", "$hour"),
                ("$year", "-", "$crawl.month", "-", "$crawl.day", "$hour"),
                ("$crawl.year_next_week", "$crawl.month_2digits_next_week", "$crawl.day_next_week", "$hour"),
                (),
            ]
        )
    )
    for variable in (*hour, *also):
        parts.insert(draw(st.integers(0, len(parts))), variable)
    return "".join(parts)


def accepted(template: str, context: KeyContext, *, tables: int = 1) -> bool:
    """Whether an export may have that path."""
    try:
        check_template(template, context, tables=tables, limits=FOLDER_KEYS)
    except InvalidRequest:
        return False
    return True


contexts = st.builds(
    a_key_context,
    export=st.sampled_from(["a", "a1", "b"]),
    table=st.sampled_from(TABLES),
    extension=st.sampled_from(["csv", "csv.gz"]),
)
