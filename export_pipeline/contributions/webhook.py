"""What a data connector's own service says of a record, and what becomes of the record with it.

`{webhook}/entity/{type}/{vendor id}` is answered with `{entity, instance}`, either of which may be missing.
A service that fails costs nobody a record: it is used as it was contributed, and the failure is counted.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from math import isfinite
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from export_pipeline.contributions.columns import Property, fit
from export_pipeline.contributions.webhook_requests import SECONDS, Reason, Unanswered, fetched

# Of one organization in one process. They mostly wait, and the other side is one service of one customer.
AT_ONCE = 16

# By organization: one whose services hang makes nobody wait but itself.
_turns: dict[str, threading.BoundedSemaphore] = {}

# A service that did not answer so often in a row is left alone for the rest: of each record it would
# otherwise take two seconds.
FAILURES_IN_A_ROW = 32

# Of these the next record's request would know no more.
_SERVICE_FAILS = frozenset({Reason.NOT_ALLOWED, Reason.UNREACHABLE, Reason.TOO_SLOW})

# As deep as a record may be that is contributed.
DEEPEST = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a webhook said of one record."""

    entity: Mapping[str, Any] = field(default_factory=dict)
    instance: Mapping[str, Any] = field(default_factory=dict)


NOTHING = Answer()


def address_of(webhook: str, entity_type: str, vendor_id: str) -> str:
    """Where the record is asked for. A query that the webhook's address has stays behind the path."""
    parts = urlsplit(webhook)
    # Dots alone would mean another folder to whoever reads a path, escaped or not: the id is then one segment
    # with an escaped dot, as some readers leave it.
    id_ = quote(vendor_id, safe="")
    if set(vendor_id) == {"."}:
        id_ = id_.replace(".", "%2E")
    path = f"{parts.path.rstrip('/')}/entity/{quote(entity_type, safe='')}/{id_}"
    return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))


def ask(
    webhook: str,
    entity_type: str,
    vendor_id: str,
    properties: Sequence[Property] = (),
    *,
    organization: str,
    wait: float | None = SECONDS,
) -> Answer:
    """What the organization's webhook says of a record. Unanswered, and nothing else, if that is of no use.

    It has to fit the properties that are columns: nobody's records of the hour could be exported otherwise.
    It waits for its turn no longer than `wait` seconds (None: until it comes).
    """
    try:
        url = address_of(webhook, entity_type, vendor_id)
    except ValueError as error:
        raise Unanswered(Reason.UNREACHABLE) from error
    turns = _turns.setdefault(organization, threading.BoundedSemaphore(AT_ONCE))
    if not turns.acquire(timeout=wait):
        raise Unanswered(Reason.BUSY)
    try:
        answer = _read(fetched(url))
    finally:
        turns.release()
    if not fit(answer.entity, properties):
        raise Unanswered(Reason.UNFIT)
    return answer


def ask_all(
    webhook: str,
    entity_type: str,
    vendor_ids: Sequence[str],
    properties: Sequence[Property] = (),
    *,
    organization: str,
    stop: threading.Event | None = None,
) -> Iterator[tuple[str, Answer | Reason]]:
    """What it says of each, or why it says nothing, in the order asked for; several are asked at once.

    Once it has not answered `FAILURES_IN_A_ROW` times, or `stop` is set, the others are not asked.
    """
    # A file shall not lack what it has on a quiet day: turns are waited for, and each is over in seconds.
    asked = partial(ask, webhook, entity_type, properties=properties, organization=organization, wait=None)
    asking = _Asking(asked, stop or threading.Event())
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="webhook") as pool:
        yield from zip(vendor_ids, pool.map(asking.one, vendor_ids), strict=True)


class _Asking:
    """One webhook that is asked by several threads, and given up by all of them."""

    def __init__(self, asked: Callable[[str], Answer], stop: threading.Event) -> None:
        self._asked = asked
        self._stop = stop
        self._failed = 0  # in a row; threads that lose a count ask once more, which does no harm

    def one(self, vendor_id: str) -> Answer | Reason:
        if self._failed >= FAILURES_IN_A_ROW or self._stop.is_set():
            return Reason.NOT_ASKED
        try:
            answer = self._asked(vendor_id)
        except Unanswered as unanswered:
            self._failed = self._failed + 1 if unanswered.reason in _SERVICE_FAILS else 0
            return unanswered.reason
        self._failed = 0
        return answer


def enriched(
    entity: Mapping[str, Any], instance: Mapping[str, Any] | None, answer: Answer
) -> tuple[Mapping[str, Any], Mapping[str, Any] | None]:
    """A record's two parts with what the webhook said: its fields in the place of those of the same name."""
    merged = {**(instance or {}), **answer.instance}
    return {**entity, **answer.entity}, merged or instance


def _read(body: bytes) -> Answer:
    """The answer that a body holds. Unanswered if a database would not keep it, or it means nothing."""
    try:
        said = json.loads(body, parse_constant=_refuse, parse_float=_finite)
        # What UTF-8 cannot say, and the character that PostgreSQL's texts do not have.
        unkept = "\0" in _texts(said).encode().decode()
    except (ValueError, RecursionError) as error:
        raise Unanswered(Reason.UNREADABLE) from error
    if unkept or not isinstance(said, dict):
        raise Unanswered(Reason.UNREADABLE)
    parts = {name: {} if (part := said.get(name)) is None else part for name in ("entity", "instance")}
    if not all(isinstance(part, dict) for part in parts.values()):
        raise Unanswered(Reason.UNREADABLE)
    return Answer(**parts)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError("no JSON writes it again")
    return number


def _texts(value: Any, depth: int = 0) -> str:
    """All texts in a value, one after the other."""
    if depth > DEEPEST:
        raise ValueError("too deep")
    match value:
        case str():
            return value
        case dict():
            return "".join(key + _texts(part, depth + 1) for key, part in value.items())
        case list():
            return "".join(_texts(part, depth + 1) for part in value)
        case _:
            return ""
