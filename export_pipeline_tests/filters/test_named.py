import pytest

from export_pipeline.errors import InvalidRequest
from export_pipeline.filters.grammar import parse
from export_pipeline.filters.limits import MAX_DEPTH
from export_pipeline.filters.named import resolve
from export_pipeline.filters.tree import EVERY_ROW, Filter, IsNull, Not


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
    assert str(refused.value) == "filter: $A: there is no named filter $GONE; there are A"


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
    resolved = resolve(parse("$A"), named(A="c IS NULL"))
    assert isinstance(resolved, IsNull)
    assert resolved.at is None
