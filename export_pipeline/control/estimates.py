"""How many rows an export would have: counted at the source, and nothing is exported or stored."""

import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

import sqlalchemy as sa

from export_pipeline.dataset.tables import Dataset
from export_pipeline.errors import InvalidRequest, TooManyRequests, TransientFailure
from export_pipeline.exports.export import Export, ExportDefinition
from export_pipeline.exports.plan import TablePlan, plan_of
from export_pipeline.extract.query import rows_between
from export_pipeline.extract.source import Source
from export_pipeline.store.named_filters import named_filters

# Somebody waits for the answer, and proxies commonly give up on one after 30 s or 60 s.
COUNTING_LIMIT = timedelta(seconds=20)

# In one process, of everybody. Each has a connection to the source, which may have few, and a thread, of
# which the others are for requests that only ask the control database.
COUNTS_AT_ONCE = 8

# Of one organization: what it counts, however slowly, keeps no other from counting.
COUNTS_OF_ONE = 2

SECONDS_UNTIL_ANOTHER = 5

_under_way: Counter[str] = Counter()
_lock = threading.Lock()


def plans_of(connection: sa.Connection, dataset: Dataset, export: Export) -> Sequence[TablePlan]:
    """What would be read for an export, under its organization's named filters as they are now."""
    return plan_of(export.definition, dataset, named_filters(connection, export.organization))


def range_of(definition: ExportDefinition, now: datetime) -> tuple[datetime, datetime]:
    """What is counted of a recurring export: all of its hours, up to `now` if they have no end."""
    since = definition.first_hour
    return since, definition.until or max(now, since + timedelta(hours=1))


def estimate_rows(
    source: Source,
    plans: Sequence[TablePlan],
    since: datetime,
    until: datetime,
    *,
    organization: str,
    limit: timedelta = COUNTING_LIMIT,
) -> Mapping[str, int]:
    """The rows of each table in `[since, until)` as they are now, and of one moment where the source can.

    InvalidRequest: there is no such range. TransientFailure: all of it takes longer than `limit` to count,
    or others are being counted, and no more are counted at once. TooManyRequests: those are the
    organization's own.
    """
    if until <= since:
        raise InvalidRequest(
            f"until: {until.isoformat()} is not after the start, {since.isoformat()}; choose a later end",
            field="until",
        )
    with _place(organization):
        return _counted(source, plans, since, until, limit)


@contextmanager
def _place(organization: str) -> Iterator[None]:
    """To be one of those that are counted at once."""
    with _lock:
        if _under_way[organization] >= COUNTS_OF_ONE:
            raise TooManyRequests(
                f"{COUNTS_OF_ONE} counts of your organization are under way; wait for their answers",
                wait=SECONDS_UNTIL_ANOTHER,
            )
        if _under_way.total() >= COUNTS_AT_ONCE:
            raise TransientFailure(
                "the rows of others are being counted; ask again", wait=SECONDS_UNTIL_ANOTHER
            )
        _under_way[organization] += 1
    try:
        yield
    finally:
        with _lock:
            _under_way[organization] -= 1
            if not _under_way[organization]:
                del _under_way[organization]


def _counted(
    source: Source, plans: Sequence[TablePlan], since: datetime, until: datetime, limit: timedelta
) -> Mapping[str, int]:
    stop = threading.Event()
    alarm = threading.Timer(limit.total_seconds(), stop.set)
    alarm.daemon = True
    alarm.start()
    try:
        selects = {
            plan.table.name: rows_between(plan.table, plan.columns, since, until, plan.filter, plan.tenant)
            for plan in plans
        }
        with source.snapshot(stop, tuple(selects.values())) as snapshot:
            return {name: snapshot.count(select) for name, select in selects.items()}
    except TransientFailure as failure:
        if not stop.is_set():
            raise
        raise TransientFailure(
            f"the source did not count the rows within {limit.total_seconds():,.0f} s;"
            " ask for a shorter range"
        ) from failure
    finally:
        alarm.cancel()
