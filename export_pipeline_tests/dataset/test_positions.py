import pytest

from export_pipeline.dataset.positions import Place, Position, Positions

TEXT = """\
# comment
[source]
"ü ü".b = { c = [1, { d = 2 }] } # after

[[tables.f.columns]]
name = "x"
[[tables.f.columns]]
name = "y"
[tables.f.columns.more]
é = 1
""".replace("é", '"\\u00e9"')


@pytest.mark.parametrize(
    ("place", "line", "column"),
    [
        (("source",), 2, 2),
        (("source", "ü ü", "b", "c"), 3, 17),
        (("source", "ü ü", "b", "c", 1, "d"), 3, 27),
        (("tables", "f", "columns", 0, "name"), 6, 8),
        (("tables", "f", "columns", 1, "name"), 8, 8),
        (("tables", "f", "columns", 1, "more", "é"), 10, 12),
        (("tables", "f", "columns", 1, "type"), 7, 3),
        (("nowhere",), 1, 1),
    ],
)
def test_a_value_is_found_or_what_is_around_it(place: Place, line: int, column: int) -> None:
    assert Positions(TEXT).of_value(place) == Position(line, column)


def test_a_key_is_found_where_it_stands() -> None:
    assert Positions(TEXT).of_key(("tables", "f", "columns", 1, "name")) == Position(8, 1)


def test_deep_nesting_is_found_by_what_is_around_it() -> None:
    positions = Positions("a = " + "[" * 40 + "]" * 40)
    assert positions.of_value(("a", *[0] * 30)).line == 1
