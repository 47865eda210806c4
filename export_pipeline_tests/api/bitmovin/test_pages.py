"""Pages of lists, with the addresses of those beside them."""

import pytest
from starlette.datastructures import URL

from export_pipeline.api.bitmovin.pages import Page


def page(query: str, **part: int) -> Page:
    return Page(URL(f"https://api.example/v1/analytics/exports?{query}"), **part)


@pytest.mark.parametrize(
    ("offset", "total", "previous", "next_"),
    [(0, 0, None, None), (0, 2, None, None), (0, 3, None, 2), (1, 3, 0, None), (2, 5, 0, 4), (4, 5, 2, None)],
)
def test_a_page_names_those_beside_it(
    offset: int, total: int, previous: int | None, next_: int | None
) -> None:
    shown = page("", offset=offset, limit=2).of([], total)

    def address(beside: int | None) -> str | None:
        base = "https://api.example/v1/analytics/exports"
        return None if beside is None else f"{base}?offset={beside}&limit=2"

    assert (shown["previous"], shown["next"]) == (address(previous), address(next_))
    assert (shown["offset"], shown["limit"], shown["totalCount"]) == (offset, 2, total)


def test_an_address_keeps_what_was_asked_for() -> None:
    shown = page("name=a%26b&limit=1", offset=0, limit=1).of([], 2)

    assert shown["next"] == "https://api.example/v1/analytics/exports?name=a%26b&offset=1&limit=1"
