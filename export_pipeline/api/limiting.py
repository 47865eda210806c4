"""How often a key, or a data connector, may ask."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from export_pipeline.errors import TooManyRequests
from export_pipeline.store.api_keys import note_use
from export_pipeline.store.database import writing
from export_pipeline.store.request_counts import count_contributor_requests, count_requests

WINDOW = timedelta(minutes=1)

# Requests that a process takes from a key's window at once, so that few of them write to the database. What
# it does not use is lost to the others: a fiftieth of the default limit, at most, for each process.
AT_ONCE = 12


@dataclass
class _Allowance:
    """What a process may still serve of a key's window."""

    window: datetime
    left: int


@dataclass
class Limits:
    """The limit of everybody, `per_minute`, kept in the control database for all processes together."""

    control: sa.Engine
    per_minute: int
    _allowances: dict[str, _Allowance] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, key_id: str) -> None:
        """Count one request of a key. TooManyRequests says how long to wait."""

        def count(connection: sa.Connection, window: datetime, number: int) -> int:
            note_use(connection, key_id, datetime.now(UTC))
            return count_requests(connection, key_id, window, number, limit=self.per_minute)

        self._take(key_id, count)

    def take_of_contributor(self, connector: str) -> None:
        """Count one request of a data connector, by its own token."""

        def count(connection: sa.Connection, window: datetime, number: int) -> int:
            return count_contributor_requests(connection, connector, window, number, limit=self.per_minute)

        self._take(connector, count)

    def _take(self, id_: str, count: Callable[[sa.Connection, datetime, int], int]) -> None:
        now = datetime.now(UTC)
        window = now.replace(second=0, microsecond=0)
        with self._lock:
            allowance = self._allowances.get(id_)
            if allowance is not None and allowance.window == window and allowance.left:
                allowance.left -= 1
                return
        granted = self._granted(window, count)
        if not granted:
            raise TooManyRequests(
                f"more than {self.per_minute:,} requests in a minute; ask again when Retry-After is over",
                wait=(window + WINDOW - now).total_seconds(),
            )
        with self._lock:
            kept = self._allowances.get(id_)
            left = kept.left if kept is not None and kept.window == window else 0
            self._allowances[id_] = _Allowance(window, left + granted - 1)

    def _granted(self, window: datetime, count: Callable[[sa.Connection, datetime, int], int]) -> int:
        at_once = min(AT_ONCE, max(1, self.per_minute // 50))
        while True:
            try:
                with writing(self.control) as connection:
                    return count(connection, window, at_once)
            except IntegrityError:
                continue  # another process counted the first request ever
