"""How often a key may ask."""

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from export_pipeline.errors import TooManyRequests
from export_pipeline.store.api_keys import note_use
from export_pipeline.store.database import writing
from export_pipeline.store.request_counts import count_requests

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
    """The limit of every key, `per_minute`, kept in the control database for all processes together."""

    control: sa.Engine
    per_minute: int
    _allowances: dict[str, _Allowance] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, key_id: str) -> None:
        """Count one request. TooManyRequests says how long to wait."""
        now = datetime.now(UTC)
        window = now.replace(second=0, microsecond=0)
        with self._lock:
            allowance = self._allowances.get(key_id)
            if allowance is not None and allowance.window == window and allowance.left:
                allowance.left -= 1
                return
        granted = self._granted(key_id, window, now)
        if not granted:
            raise TooManyRequests(
                f"more than {self.per_minute:,} requests in a minute; ask again when Retry-After is over",
                wait=(window + WINDOW - now).total_seconds(),
            )
        with self._lock:
            kept = self._allowances.get(key_id)
            left = kept.left if kept is not None and kept.window == window else 0
            self._allowances[key_id] = _Allowance(window, left + granted - 1)

    def _granted(self, key_id: str, window: datetime, now: datetime) -> int:
        at_once = min(AT_ONCE, max(1, self.per_minute // 50))
        while True:
            try:
                with writing(self.control) as connection:
                    note_use(connection, key_id, now)
                    return count_requests(connection, key_id, window, at_once, limit=self.per_minute)
            except IntegrityError:
                continue  # another process counted the key's first request ever
