"""Pages are numbered from 1, and lead to those beside them."""

import pytest
from starlette.datastructures import URL

from export_pipeline.api.botify.pages import Page


def page(number: int, size: int, query: str = "") -> Page:
    return Page(URL(f"http://api.example.com/v1/jobs?{query}"), page=number, size=size)


@pytest.mark.parametrize(
    ("number", "size", "count", "before", "after"),
    [(1, 2, 0, False, False), (1, 2, 2, False, False), (1, 2, 3, False, True), (2, 2, 3, True, False)],
)
def test_a_page_leads_to_those_beside_it(
    number: int, size: int, count: int, before: bool, after: bool
) -> None:
    shown = page(number, size).of([], count)

    assert (shown["previous"] is not None, shown["next"] is not None) == (before, after)
    assert page(number, size).offset == (number - 1) * size


def test_what_else_is_asked_for_stays() -> None:
    shown = page(1, 2, "project=site").of([], 3)

    assert shown["next"] == "http://api.example.com/v1/jobs?project=site&page=2&size=2"
