from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_pipeline.errors import InvalidRequest
from export_pipeline.filters import limits
from export_pipeline.filters.grammar import parse
from export_pipeline.filters.text import filter_from, text_of
from export_pipeline.filters.tree import (
    EVERY_ROW,
    NO_ROW,
    AllOf,
    AnyOf,
    CaseInsensitive,
    Comparison,
    Contains,
    Filter,
    IsNull,
    Named,
    Not,
    OneOf,
    Position,
)
from export_pipeline_tests.filters.fuzzing import ending
from export_pipeline_tests.filters.tables import EVENTS


def refusal(text: str) -> str:
    with pytest.raises(InvalidRequest) as refused:
        parse(text)
    assert refused.value.field == "filter"
    return str(refused.value)


@pytest.mark.parametrize(
    ("text", "filter_"),
    [
        ("", EVERY_ROW),
        (" \t\n", EVERY_ROW),
        ("true", EVERY_ROW),
        ("False", NO_ROW),
        ("a == 1", Comparison("a", "==", 1)),
        ("a!=1", Comparison("a", "!=", 1)),
        ("a<1", Comparison("a", "<", 1)),
        ("a<=1", Comparison("a", "<=", 1)),
        ("a>1", Comparison("a", ">", 1)),
        ("a>=1", Comparison("a", ">=", 1)),
        ("a =~ 'x'", CaseInsensitive("a", "x")),
        ("a !~ 'x'", Not(CaseInsensitive("a", "x"))),
        ("a =@ 'x'", Contains("a", "x")),
        ("a !@ 'x'", Not(Contains("a", "x"))),
        ("a IN ['Québec','Quebec']", OneOf("a", ("Québec", "Quebec"))),
        ("a NOT_IN [1, 2.5]", Not(OneOf("a", (1, Decimal("2.5"))))),
        ("a not  in [1]", Not(OneOf("a", (1,)))),
        ("a IN [1, null]", AnyOf((OneOf("a", (1,)), IsNull("a")))),
        ("a IN [null]", IsNull("a")),
        ("a NOT_IN [null]", Not(IsNull("a"))),
        ("a == null", IsNull("a")),
        ("groupname!=null", Not(IsNull("groupname"))),
        ("a is null", IsNull("a")),
        ("a Is Not Null", Not(IsNull("a"))),
        ("$EXCLUDE_BOTS", Named("EXCLUDE_BOTS")),
        ("a.b_1 == 1", Comparison("a.b_1", "==", 1)),
        ("`we``ird".replace("``", "\\`") + "` == 1", Comparison("we`ird", "==", 1)),
        ("android == 1", Comparison("android", "==", 1)),
        ("nothing == 1", Comparison("nothing", "==", 1)),
        ("größe == 1", Comparison("größe", "==", 1)),
    ],
)
def test_each_way_to_write_a_condition(text: str, filter_: Filter) -> None:
    assert repr(parse(text)) == repr(filter_)


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ("5", 5),
        ("-5", -5),
        ("+5", 5),
        ("0" * 5000 + "5", 5),
        (f"{'9' * 400}", int("9" * 400)),
        ("51e399", Decimal("5.1E+400")),
        ("18446744073709551615", 18446744073709551615),
        ("0.10", Decimal("0.10")),
        (".5", Decimal("0.5")),
        ("1e3", Decimal("1E+3")),
        ("-1.5E-3", Decimal("-0.0015")),
        ("TRUE", True),
        ("false", False),
        (r"'it\'s'", "it's"),
        (r'"say \"so\""', 'say "so"'),
        ("'say \"so\"'", 'say "so"'),
        (r"'C:\\temp'", "C:\\temp"),
        ("'two\nlines'", "two\nlines"),
        ("''", ""),
        ("'100%_'", "100%_"),
        ("2013-01-31T05:00:00Z", "2013-01-31T05:00:00Z"),
        ("2013-01-31T05:00:00.123+01:00", "2013-01-31T05:00:00.123+01:00"),
        ("2013-01-31", "2013-01-31"),
        ("05:00:00", "05:00:00"),
    ],
)
def test_each_way_to_write_a_literal(literal: str, value: object) -> None:
    filter_ = parse(f"a == {literal}")
    assert isinstance(filter_, Comparison)
    assert (filter_.value, type(filter_.value)) == (value, type(value))


def test_not_binds_before_and_and_before_or() -> None:
    a, b, c, d = (Comparison(name, "==", 1) for name in "abcd")
    assert parse("a==1 OR NOT b==1 AND c==1 OR d==1") == AnyOf((a, AllOf((Not(b), c)), d))
    assert parse("(a==1 OR b==1) AND NOT (c==1 OR d==1)") == AllOf((AnyOf((a, b)), Not(AnyOf((c, d)))))


def test_a_condition_knows_where_it_stands() -> None:
    filter_ = parse("a==1 AND\n  b IS NULL")
    assert isinstance(filter_, AllOf)
    second = filter_.parts[1]
    assert isinstance(second, IsNull)
    assert second.at == Position(2, 3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "city = 'Paris'",
            "filter, line 1, column 6: found =, expected an operator "
            "(== != =~ !~ =@ !@ < <= > >= IN NOT_IN IS); equality is written ==",
        ),
        (
            "city == Paris",
            "filter, line 1, column 9: found Paris, expected a value "
            "('text', a number, a time, true or false) or null; text stands in quotes: 'Paris'",
        ),
        ("city == 'Paris' x", "filter, line 1, column 17: found x, expected AND, OR or the end"),
        ("a==1\nAND\n  (b == 1", "filter, line 3, column 10: found the end of the text, expected ')'"),
        ("a==1)", "filter, line 1, column 5: found ), which closes nothing"),
        (
            "a ==",
            "filter, line 1, column 5: found the end of the text, expected a value "
            "('text', a number, a time, true or false) or null",
        ),
        ("AND", "filter, line 1, column 1: found AND, expected a condition like city == 'Paris'"),
        (
            "a =~ null",
            "filter, line 1, column 6: found null, expected 'text' in quotes; "
            "only == and != compare with null",
        ),
        (
            r"a == 'C:\temp'",
            r"filter, line 1, column 6: \t in 'C:\temp': a backslash in quotes is written \\",
        ),
        ("a == 1e999999999", "filter, line 1, column 6: no column holds such a number"),
        (f"a == 1e{'9' * 99}", "filter, line 1, column 6: no column holds such a number"),
        ("a == 51e400", "filter, line 1, column 6: no column holds such a number"),
        (f"a == {'9' * 5000}", "filter, line 1, column 6: no column holds such a number"),
        ("a\n== '\0'", "filter, line 2, column 5: remove the character U+0000: no text holds it"),
        ("a == '\ud800'", "filter, line 1, column 7: remove the character U+D800: no text holds it"),
    ],
)
def test_a_mistake_is_explained(text: str, message: str) -> None:
    assert refusal(text) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(" * 10_000, "filter, line 1, column 17: the filter nests NOT and parentheses more than 16 deep"),
        ("(" * 10_000 + "a==1" + ")" * 10_000, "the filter nests NOT and parentheses more than 16 deep"),
        ("NOT " * 10_000 + "a==1", "the filter nests NOT and parentheses more than 16 deep"),
        (")" * 10_000, "expected a condition"),
        (" " * (limits.MAX_TEXT + 1), "the filter is longer than 100,000 characters"),
        ("a==1 OR " * limits.MAX_CONDITIONS + "a==1", "the filter has more than 300 conditions"),
        ("a IN [" + "1," * limits.MAX_VALUES + "1]", "the filter names more than 5,000 values"),
        ("a == '" + "\\\\" * 40_000, "the text that begins here has no closing quote"),
        ("a == " + "'" * 99_990, "found"),
        ("a" * 99_990, "the end of the text"),
    ],
    ids=["open", "balanced", "not", "closed", "long", "wide", "list", "backslashes", "quotes", "name"],
)
def test_hostile_text_is_refused_in_the_end(text: str, message: str) -> None:
    with ending():
        assert message in refusal(text)


@pytest.mark.parametrize(
    "text",
    [
        "(" * limits.MAX_DEPTH + "a==1" + ")" * limits.MAX_DEPTH,
        "a==1 OR " * (limits.MAX_CONDITIONS - 1) + "a==1",
        "a IN [" + "1," * (limits.MAX_VALUES - 1) + "1]",
    ],
    ids=["depth", "conditions", "values"],
)
def test_text_at_a_limit_is_taken(text: str) -> None:
    parse(text)


PIECES = [
    *(
        "city",
        "visits",
        "seen",
        "`Local Time`",
        "ratio",
        "nowhere",
        "$X",
        "AND",
        "or",
        "NOT",
        "in",
        "NOT_IN",
        "IS",
    ),
    *(
        "null",
        "true",
        "==",
        "!=",
        "=~",
        "!~",
        "=@",
        "!@",
        "<",
        "<=",
        ">",
        ">=",
        "(",
        ")",
        "[",
        "]",
        ",",
        "=",
        "!",
    ),
    *(
        "'Paris'",
        '"x"',
        "'",
        '"',
        "`",
        "\\",
        "5",
        "-0.5",
        "1e5",
        "1e400",
        "2013-01-31",
        "2013-01-31T05:00:00Z",
    ),
    *("city == 'Paris'", "visits > 3", "city IN ['a', 'b']", "--", ";", "\x00", "\ud800", "😀", "\n", "é"),
]


def only_its_own_error(text: str) -> None:
    try:
        tree = parse(text)
    except InvalidRequest:
        return
    assert repr(parse(text_of(tree))) == repr(tree)
    try:
        filter_from(text, EVENTS)
    except InvalidRequest:
        return


@given(
    st.text()
    | st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join)
    | st.text(st.sampled_from("a=!~@<>()[]'\"`$,1.eE-:TZ \\"))
)
def test_any_text_is_parsed_or_refused(text: str) -> None:
    only_its_own_error(text)
