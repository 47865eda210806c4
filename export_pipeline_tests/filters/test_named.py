import pytest

from export_pipeline.errors import InvalidRequest
from export_pipeline.filters.grammar import parse
from export_pipeline.filters.limits import MAX_DEPTH
from export_pipeline.filters.named import NamedFilters, names_in, resolve
from export_pipeline.filters.tree import EVERY_ROW, Filter, Not, Position, leaves


def named(**texts: str) -> dict[str, Filter]:
    return {name: parse(text) for name, text in texts.items()}


def test_a_name_stands_for_its_filter() -> None:
    resolved = resolve(parse("$BOTS AND city == 'Paris'"), named(BOTS="agent =@ 'bot' OR agent == null"))
    assert resolved == parse("(agent =@ 'bot' OR agent == null) AND city == 'Paris'")


def test_names_may_stand_inside_named_filters() -> None:
    assert resolve(parse("NOT $A"), named(A="$B", B="c == 1")) == parse("NOT c == 1")


def test_a_blank_named_filter_restricts_nothing() -> None:
    assert resolve(parse("$A"), named(A="")) == EVERY_ROW
    assert resolve(parse("NOT $A"), named(A="")) == Not(EVERY_ROW)
    assert resolve(parse("$A AND c == 1"), named(A="")) == parse("true AND c == 1")


@pytest.mark.parametrize(
    ("filters", "circle"),
    [({"A": "$A"}, "$A -> $A"), ({"A": "$B", "B": "c == 1 OR $C", "C": "NOT $B"}, "$B -> $C -> $B")],
)
def test_a_circle_is_refused_and_shown(filters: dict[str, str], circle: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        resolve(parse("$A"), named(**filters))
    assert str(refused.value).endswith(f"named filters stand for one another in a circle: {circle}")


def test_an_unknown_name_is_refused_with_its_place_and_the_nearest_one() -> None:
    with pytest.raises(InvalidRequest) as refused:
        resolve(parse("c == 1 AND $BOT"), named(BOTS="c == 2"))
    assert (
        str(refused.value) == "filter, line 1, column 12: there is no named filter $BOT; did you mean 'BOTS'?"
    )


def test_an_unknown_name_inside_a_named_filter_is_said_to_be_there() -> None:
    with pytest.raises(InvalidRequest) as refused:
        resolve(parse("$A"), named(A="$GONE OR c == 1"))
    assert str(refused.value) == (
        "filter, in $A, line 1, column 1: there is no named filter $GONE; there are A"
    )


def test_without_named_filters_there_is_nothing_to_suggest() -> None:
    with pytest.raises(InvalidRequest, match=r"there is no named filter \$A$"):
        resolve(parse("$A"), {})


def test_filters_that_multiply_are_refused_before_they_fill_the_memory() -> None:
    doubling = {f"N{level}": f"$N{level + 1} OR $N{level + 1}" for level in range(12)} | {"N12": "c == 1"}
    with pytest.raises(InvalidRequest, match="more than 300 conditions"):
        resolve(parse("$N0"), named(**doubling))


def test_names_nested_too_deep_are_refused() -> None:
    chain = {f"N{level}": f"$N{level + 1}" for level in range(5000)}
    with pytest.raises(InvalidRequest, match=f"more than {MAX_DEPTH} deep"):
        resolve(parse("$N0"), named(**chain))


def test_a_place_in_a_named_filters_text_is_not_taken_for_one_in_this_text() -> None:
    resolved = resolve(parse("c == 1 OR $A"), named(A="c == 1 AND\n  $B", B="true AND c IS NULL"))
    assert [leaf.at for leaf in leaves(resolved)] == [
        Position(1, 1),
        Position(1, 1, "A"),
        Position(1, 10, "B"),
    ]


def test_the_names_in_a_filter_are_those_written_in_it() -> None:
    assert names_in(parse("$A OR NOT (c == 1 AND ($B OR $A))")) == {"A", "B"}
    assert names_in(parse("c == '$A'")) == frozenset()


def test_the_names_in_a_filter_are_those_that_others_stand_for_too() -> None:
    filters = named(A="$B AND $GONE", B="c == 1 OR $C", C="true", D="$A")
    assert names_in(parse("$A"), filters) == {"A", "B", "C", "GONE"}


def test_the_names_in_a_circle_are_found_once() -> None:
    assert names_in(parse("$A"), named(A="$B", B="$A")) == {"A", "B"}


def test_filters_from_texts_are_parsed_when_they_are_asked_for() -> None:
    filters = NamedFilters({"A": "c == 1", "B": "city =="})
    assert resolve(parse("$A"), filters) == parse("c == 1")
    assert list(filters) == ["A", "B"]
    assert len(filters) == 2
    with pytest.raises(InvalidRequest) as refused:
        resolve(parse("$B"), filters)
    assert str(refused.value).startswith("filter: $B cannot be read: filter, line 1, column 8: found the end")


def test_a_changed_filter_changes_nothing_else() -> None:
    before = NamedFilters({"A": "c == 1", "B": "c == 2"})
    after = before.changed("B", "c == 3")
    assert (after["A"], after["B"], before["B"]) == (parse("c == 1"), parse("c == 3"), parse("c == 2"))
