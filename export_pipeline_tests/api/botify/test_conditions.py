"""The document's filters are ours."""

from typing import Any

import pytest

from export_pipeline.api.botify.conditions import DEEPEST, filter_of
from export_pipeline.errors import InvalidRequest
from export_pipeline.filters.grammar import parse
from export_pipeline.filters.text import text_of

AT = "payload.query.query.filters"


def naming(name: str, at: str) -> str:
    if name == "nothing":
        raise InvalidRequest(f"{at}: there is no field", field=at)
    return name.removeprefix("crawl.")


def is_(predicate: str, value: Any = None, field: str = "crawl.code") -> dict[str, Any]:
    return {"field": field, "predicate": predicate, **({} if value is None else {"value": value})}


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ({"field": "code", "value": 200}, "code == 200"),
        (is_("eq", "it's"), "code == 'it\\'s'"),
        (is_("eq", True), "code == true"),
        (is_("gt", 0.1), "code > 0.1"),
        (is_("gte", -5), "code >= -5"),
        (is_("lt", 1e300), "code < 1E+300"),
        (is_("lte", "2021-01-02"), "code <= '2021-01-02'"),
        (is_("between", [1, 5]), "code >= 1 AND code <= 5"),
        (is_("in", [200, 301]), "code IN [200, 301]"),
        (is_("contains", "blog", "url"), "url =@ 'blog'"),
        (is_("exists"), "code IS NOT NULL"),
        (is_("not_exists"), "code IS NULL"),
        ({"not": is_("eq", 1)}, "NOT code == 1"),
        (
            {"and": [is_("eq", 1), {"or": [is_("eq", 2), is_("eq", 3)]}]},
            "code == 1 AND (code == 2 OR code == 3)",
        ),
        ({"and": [is_("eq", 1)]}, "code == 1"),
        ({"not": {"and": [is_("eq", 1), is_("gt", 2)]}}, "NOT (code == 1 AND code > 2)"),
    ],
)
def test_a_filter_of_theirs_is_one_of_ours(asked: dict[str, Any], text: str) -> None:
    filter_ = filter_of(asked, naming, AT)

    assert text_of(filter_) == text
    assert parse(text) == filter_


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ([], ""),
        ({"and": {}}, ".and"),
        ({"or": []}, ".or"),
        ({"and": [is_("eq", 1), 7]}, ".and.1"),
        ({"not": {"or": [is_("eq", 1), is_("like", 2)]}}, ".not.or.1.predicate"),
        ({"and": [is_("eq", 1)], "or": [is_("eq", 1)]}, ".and"),
        ({"predicate": "eq", "value": 1}, ".field"),
        ({"field": 7, "value": 1}, ".field"),
        (is_("eq", 1, "nothing"), ".field"),
        ({**is_("eq", 1), "function": "sum"}, ".function"),
        (is_("re", "^a"), ".predicate"),
        (is_("eq"), ".value"),
        (is_("eq", {"a": 1}), ".value"),
        (is_("in", 7), ".value"),
        (is_("in", []), ".value"),
        (is_("in", [1, [2]]), ".value.1"),
        (is_("between", [1]), ".value"),
        (is_("contains", 7), ".value"),
    ],
)
def test_what_cannot_be_asked_is_named_where_it_stands(asked: Any, field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        filter_of(asked, naming, AT)

    assert refused.value.field == AT + field


def test_what_is_deeper_than_anybody_writes_is_refused() -> None:
    asked: dict[str, Any] = is_("eq", 1)
    for _ in range(DEEPEST + 1):
        asked = {"not": asked}

    with pytest.raises(InvalidRequest, match="make it flatter"):
        filter_of(asked, naming, AT)
