"""Lists, a page at a time: so many, from the so-manieth on."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import Depends, Query
from starlette.datastructures import URL

from export_pipeline.api.visits import address_asked

MOST_AT_ONCE = 100
AT_ONCE = 25


class Page:
    """Which part of a list is asked for."""

    def __init__(
        self,
        url: Annotated[URL, Depends(address_asked)],
        offset: Annotated[int, Query(ge=0, le=2**31)] = 0,
        limit: Annotated[int, Query(ge=1, le=MOST_AT_ONCE)] = AT_ONCE,
    ) -> None:
        self.offset = offset
        self.limit = limit
        self._url = url

    def of(self, items: Sequence[Mapping[str, Any]], total: int) -> Mapping[str, Any]:
        """The part, with the addresses of the parts beside it."""
        after = self.offset + self.limit
        return {
            "totalCount": total,
            "offset": self.offset,
            "limit": self.limit,
            "previous": self._at(max(0, self.offset - self.limit)) if self.offset else None,
            "next": self._at(after) if after < total else None,
            "items": list(items),
        }

    def _at(self, offset: int) -> str:
        return str(self._url.include_query_params(offset=offset, limit=self.limit))


Paged = Annotated[Page, Depends()]
