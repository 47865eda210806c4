"""Lists by number of page, the first one being 1."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Depends, Query
from starlette.datastructures import URL

from export_pipeline.api.visits import address_asked

AT_ONCE = 50
MOST_AT_ONCE = 100


class Page:
    """Which part of a list is asked for."""

    def __init__(
        self,
        url: Annotated[URL, Depends(address_asked)],
        page: Annotated[int, Query(ge=1, le=10**6)] = 1,
        size: Annotated[int, Query(ge=1, le=MOST_AT_ONCE)] = AT_ONCE,
    ) -> None:
        self.page = page
        self.size = size
        self._url = url

    @property
    def offset(self) -> int:
        """How many come before it."""
        return (self.page - 1) * self.size

    def of(self, results: Sequence[Any], count: int) -> dict[str, Any]:
        """The part, with the addresses of the parts beside it."""
        return {
            "count": count,
            "next": self._at(self.page + 1) if self.page * self.size < count else None,
            "previous": self._at(self.page - 1) if self.page > 1 else None,
            "results": list(results),
        }

    def _at(self, page: int) -> str:
        return str(self._url.include_query_params(page=page, size=self.size))


Paged = Annotated[Page, Depends()]
