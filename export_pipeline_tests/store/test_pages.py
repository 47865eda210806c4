"""Lists in pages: nothing twice, nothing left out, whatever is added meanwhile."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from export_pipeline.errors import InvalidRequest
from export_pipeline.store.database import reading, writing
from export_pipeline.store.organizations import ensure_organization
from export_pipeline.store.pages import Page, PageRequest, read_page
from export_pipeline.store.schema import API_KEYS, ORGANIZATIONS

AT = datetime(2026, 1, 5, tzinfo=UTC)


def add(control: sa.Engine, name: str, at: datetime) -> None:
    with writing(control) as connection:
        connection.execute(ORGANIZATIONS.insert().values(id=name, created_at=at))


def page(control: sa.Engine, *, newest_first: bool = False, **asked: object) -> Page[str]:
    with reading(control) as connection:
        return read_page(
            connection,
            sa.select(ORGANIZATIONS),
            by=(ORGANIZATIONS.c.created_at, ORGANIZATIONS.c.id),
            asked=PageRequest(**asked),  # type: ignore[arg-type]
            made=lambda row: str(row.id),
            newest_first=newest_first,
        )


@pytest.fixture
def five(control: sa.Engine) -> sa.Engine:
    """Some of the same moment."""
    for name, minutes in (("aa", 0), ("bb", 0), ("cc", 1), ("dd", 1), ("ee", 1)):
        add(control, name, AT + timedelta(minutes=minutes))
    return control


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 6])
@pytest.mark.parametrize("newest_first", [False, True])
def test_the_pages_together_are_the_list(five: sa.Engine, limit: int, newest_first: bool) -> None:
    found: list[str] = []
    cursor = None
    for _ in range(6):
        shown = page(five, limit=limit, cursor=cursor, newest_first=newest_first)
        assert 0 < len(shown.items) <= limit
        found += shown.items
        cursor = shown.next
        if cursor is None:
            break

    assert found == sorted(["aa", "bb", "cc", "dd", "ee"], reverse=newest_first)


def test_what_is_added_meanwhile_moves_nothing(five: sa.Engine) -> None:
    first = page(five, limit=2, newest_first=True)
    add(five, "ff", AT + timedelta(hours=1))

    assert [*first.items, *page(five, cursor=first.next, newest_first=True).items] == [
        "ee",
        "dd",
        "cc",
        "bb",
        "aa",
    ]


def test_an_empty_list_is_one_page(control: sa.Engine) -> None:
    assert page(control) == Page([], None)


def another_lists(control: sa.Engine) -> str:
    with writing(control) as connection:
        ensure_organization(connection, "acme")
        for number in range(2):
            values = {"organization": "acme", "name": "k", "privileges": "[]", "created_at": AT}
            connection.execute(API_KEYS.insert().values(id=str(number), digest=str(number), **values))
        found = read_page(
            connection,
            sa.select(API_KEYS),
            by=(API_KEYS.c.created_at, API_KEYS.c.id),
            asked=PageRequest(limit=1),
            made=lambda row: row,
        )
    assert found.next is not None
    return found.next


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "ä",
        "\0",
        "e30",  # {}
        "WzFd",  # [1]
        "bnVsbA",
        "WyJvcmdhbml6YXRpb25zIiwiMDAwMS0wMS0wMVQwMDowMDowMCsyMzowMCIsIngiXQ",  # before the first moment
        "WyJvcmdhbml6YXRpb25zIiwiMjAyNi0wMS0wNVQwMDowMDowMCswMDowMCIsIlx1MDAwMCJd",  # NUL
        "WyJvcmdhbml6YXRpb25zIiwiMjAyNi0wMS0wNVQwMDowMDowMCswMDowMCIsIlx1ZDgwMCJd",  # half a pair
        "WyJvcmdhbml6YXRpb25zIl0",
    ],
)
def test_what_is_no_cursor_is_refused(five: sa.Engine, cursor: str) -> None:
    with pytest.raises(InvalidRequest, match="cursor: is none of this list") as refused:
        page(five, cursor=cursor)
    assert refused.value.field == "cursor"


def test_another_lists_cursor_is_refused(five: sa.Engine) -> None:
    with pytest.raises(InvalidRequest, match="cursor"):
        page(five, cursor=another_lists(five))
