import pytest

from export_pipeline.errors import InvalidRequest
from export_pipeline.filters.checking import OPERATORS, check
from export_pipeline.filters.grammar import parse
from export_pipeline.filters.limits import MAX_LETTERS
from export_pipeline.filters.named import resolve
from export_pipeline.filters.tree import AnyOf, Contains, IsNull, Not, OneOf
from export_pipeline_tests.filters.tables import EVENTS, KINDS


def refusal(text: str) -> str:
    with pytest.raises(InvalidRequest) as refused:
        check(parse(text), EVENTS)
    assert refused.value.field == "filter"
    return str(refused.value)


def test_names_are_resolved_to_those_declared_whatever_their_case() -> None:
    assert check(parse("CITY IN ['a'] OR NOT `LOCAL TIME` IS NULL"), EVENTS) == AnyOf(
        (OneOf("city", ("a",)), Not(IsNull("Local Time")))
    )


def test_an_unknown_column_is_refused_with_its_place_and_the_nearest_name() -> None:
    assert refusal("visits > 1 AND\n  citty == 'Paris'") == (
        "filter, line 2, column 3: table 'events' has no column 'citty'; did you mean 'city'?"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "visits =@ 'x'",
            "filter, line 1, column 1: visits is of type int32, which takes "
            "== != IN NOT_IN < <= > >= and null tests, not =@",
        ),
        (
            "flag > true",
            "filter, line 1, column 1: flag is of type boolean, which takes "
            "== != IN NOT_IN and null tests, not >",
        ),
        (
            "payload == 'x'",
            "filter, line 1, column 1: payload is of type json, which takes =@ !@ and null tests, not ==",
        ),
        (
            "raw IN ['x']",
            "filter, line 1, column 1: raw is of type bytes, which takes == null and != null only, not IN",
        ),
        (
            "key =@ 'x'",
            "filter, line 1, column 1: key is of type uuid, which takes "
            "== != IN NOT_IN < <= > >= =~ !~ and null tests, not =@",
        ),
    ],
)
def test_an_operator_that_does_not_suit_the_type_is_refused(text: str, message: str) -> None:
    assert refusal(text) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "visits == '5'",
            "filter, line 1, column 1: visits is of type int32, which '5' is not: "
            "write a number, without quotes",
        ),
        (
            "amount IN [1, 2.345]",
            "filter, line 1, column 1: amount is of type decimal(12,2), which 2.345 is not: "
            "it has up to 10 digits before the point and 2 after it",
        ),
        (
            "key =~ 'x'",
            "filter, line 1, column 1: key is of type uuid, which 'x' is not: "
            "write it like '01234567-89ab-cdef-0123-456789abcdef'",
        ),
    ],
)
def test_a_literal_that_does_not_suit_the_type_is_refused(text: str, message: str) -> None:
    assert refusal(text) == message


def test_a_mistake_in_a_named_filter_is_said_to_be_there() -> None:
    with pytest.raises(InvalidRequest) as refused:
        check(resolve(parse("city == 'x' OR $LOUD"), {"LOUD": parse("flag == true AND visit > 3")}), EVENTS)
    assert str(refused.value) == (
        "filter, in $LOUD, line 1, column 18: table 'events' has no column 'visit'; did you mean 'visits'?"
    )


def test_searching_for_nothing_is_refused() -> None:
    assert refusal("city !@ ''") == (
        "filter, line 1, column 1: city =@ '': the empty text is in every text; name one to look for"
    )


def test_searching_for_more_letters_than_engines_bear_is_refused() -> None:
    letters = "".join(chr(0x1E00 + 2 * number) for number in range(75)) + "".join(
        map(chr, range(0x430, 0x4FF))
    )
    with pytest.raises(InvalidRequest, match=f"more than {MAX_LETTERS} different letters in city"):
        check(Contains("city", letters), EVENTS)


@pytest.mark.parametrize("column", KINDS)
def test_every_column_can_be_tested_for_null(column: str) -> None:
    assert check(IsNull(column), EVENTS) == IsNull(column)


def test_a_name_not_resolved_is_unknown() -> None:
    assert refusal("$BOTS") == "filter, line 1, column 1: there is no named filter $BOTS"


def test_checking_twice_changes_nothing() -> None:
    once = check(
        parse(
            "ratio32 == 0.1 AND seen > 2013-01-01T00:00:00Z AND amount <= 5 AND key == "
            "'ABCDEF00-0000-0000-0000-000000000000'"
        ),
        EVENTS,
    )
    assert repr(check(once, EVENTS)) == repr(once)


def test_a_tree_beyond_the_limits_is_refused_before_anything_else() -> None:
    with pytest.raises(InvalidRequest, match="more than 5,000 values"):
        check(OneOf("nowhere", tuple(range(5001))), EVENTS)


def test_every_kind_says_its_operators() -> None:
    assert set(OPERATORS) == set(KINDS.values())
