"""Lists in pages.

The next page begins behind the last thing of this one, so what is added meanwhile moves nothing.
"""

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from export_pipeline.errors import InvalidRequest
from export_pipeline.store.moments import Moment

T = TypeVar("T")

DEFAULT_LIMIT = 100

# A page is read and sent whole.
MAX_LIMIT = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """Which page is asked for. `cursor` is what the page before it said is next; None: the first page."""

    limit: int = DEFAULT_LIMIT
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some things in order. `next` is the cursor of the page behind it, if there is one."""

    items: Sequence[T]
    next: str | None


def read_page(
    connection: sa.Connection,
    query: sa.Select[Any],
    *,
    by: Sequence[sa.Column[Any]],
    asked: PageRequest,
    made: Callable[[sa.Row[Any]], T],
    newest_first: bool = False,
) -> Page[T]:
    """One page of what the query selects, in the order of the columns `by`, which together are unique.

    They have to be among what it selects. InvalidRequest names the cursor if it is none of this list.
    """
    if asked.cursor is not None:
        query = query.where(_behind(by, _position(asked.cursor, by), newest_first=newest_first))
    order = [column.desc() for column in by] if newest_first else by
    # One more than is asked for tells whether there is another page.
    rows = connection.execute(query.order_by(*order).limit(asked.limit + 1)).all()
    more = len(rows) > asked.limit
    shown = rows[: asked.limit]
    return Page([made(row) for row in shown], _cursor(by, shown[-1]) if more else None)


def _behind(
    by: Sequence[sa.Column[Any]], position: Sequence[Any], *, newest_first: bool
) -> sa.ColumnElement[bool]:
    """`a > x OR (a = x AND (b > y OR ...))`."""

    def behind(column: sa.Column[Any], value: Any) -> sa.ColumnElement[bool]:
        return column.op("<" if newest_first else ">", is_comparison=True)(value)

    (*first, last) = zip(by, position, strict=True)
    return reduce(
        lambda inner, one: sa.or_(behind(*one), sa.and_(one[0] == one[1], inner)),
        reversed(first),
        behind(*last),
    )


def _cursor(by: Sequence[sa.Column[Any]], row: sa.Row[Any]) -> str:
    values = [row._mapping[column] for column in by]
    texts = [value.isoformat() if isinstance(value, datetime) else value for value in values]
    text = json.dumps([by[0].table.name, *texts], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _position(cursor: str, by: Sequence[sa.Column[Any]]) -> Sequence[Any]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        of, *texts = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if of == by[0].table.name and len(texts) == len(by):
            return [_value(column, text) for column, text in zip(by, texts, strict=True)]
    except (ValueError, TypeError, OverflowError, RecursionError):
        pass
    raise InvalidRequest(
        "cursor: is none of this list; give what the page before it calls next, or leave it out",
        field="cursor",
    )


def _value(column: sa.Column[Any], text: Any) -> Any:
    if not isinstance(text, str) or "\0" in text:
        raise ValueError("no cursor of ours holds that")
    text.encode()  # neither do ours hold what is no text
    return datetime.fromisoformat(text).astimezone(UTC) if isinstance(column.type, Moment) else text
