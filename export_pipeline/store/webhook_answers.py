"""What webhooks answered, kept for as long as their connectors say, and how often they did not.

Kept here, and so shared by all processes and runs. An hour is exported with what is kept of its records then,
also where the next reader is to ask anew: so nothing is removed before a run has read it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from export_pipeline.contributions.columns import Property, properties_of
from export_pipeline.contributions.webhook import Answer
from export_pipeline.contributions.webhook_requests import Reason
from export_pipeline.store.contribution_schema import CONTRIBUTED_RECORDS, DATA_CONNECTORS, ENTITY_TYPES
from export_pipeline.store.webhook_schema import WEBHOOK_ANSWERS, WEBHOOK_FAILURES

# Of one connector. Beyond it those go that were asked for first.
MOST_KEPT = 100_000

# A run asks for all of an hour before it reads it, which takes hours where there are many and each is slow.
LEFT_FOR_RUNS = timedelta(hours=6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A data connector's webhook: for which entity type it is asked, what answers have to fit, for how many
    seconds they are believed.
    """

    organization: str
    connector: str
    url: str
    entity_type: str
    properties: Sequence[Property]
    cache: int


def webhooks_of(connection: sa.Connection, organization: str, eid: str) -> Sequence[Webhook]:
    """The webhooks of the entity type's live connectors."""
    rows = connection.execute(
        sa.select(
            DATA_CONNECTORS.c.id, DATA_CONNECTORS.c.webhook, DATA_CONNECTORS.c.cache, ENTITY_TYPES.c.schema
        )
        .join(ENTITY_TYPES)
        .where(
            ENTITY_TYPES.c.organization == organization,
            ENTITY_TYPES.c.eid == eid,
            DATA_CONNECTORS.c.is_live,
            DATA_CONNECTORS.c.webhook.is_not(None),
        )
        .order_by(DATA_CONNECTORS.c.id)
    )
    return [
        Webhook(
            organization=organization,
            connector=row.id,
            url=row.webhook,
            entity_type=eid,
            properties=properties_of(row.schema),
            cache=row.cache,
        )
        for row in rows
    ]


def records_to_ask_for(
    connection: sa.Connection, hook: Webhook, since: datetime, until: datetime, now: datetime
) -> Sequence[str]:
    """The vendor ids of the connector's records of `[since, until)` of which no answer holds any more."""
    records = CONTRIBUTED_RECORDS.c
    rows = connection.execute(
        sa.select(records.vendor_id).where(
            records.connector == hook.connector,
            records.accepted_at >= since,
            records.accepted_at < until,
            ~sa.exists().where(
                WEBHOOK_ANSWERS.c.vendor_id == records.vendor_id, *_holding(hook.connector, now)
            ),
        )
    )
    return list(rows.scalars())


def kept_answers(
    connection: sa.Connection, hook: Webhook, vendor_ids: Sequence[str], now: datetime
) -> Mapping[str, Answer]:
    """The answers about these records that hold still."""
    answers = WEBHOOK_ANSWERS.c
    rows = connection.execute(
        sa.select(answers.vendor_id, answers.entity, answers.instance).where(
            answers.vendor_id.in_(vendor_ids), *_holding(hook.connector, now)
        )
    )
    return {row.vendor_id: Answer(entity=row.entity or {}, instance=row.instance or {}) for row in rows}


def keep_answers(
    connection: sa.Connection,
    hook: Webhook,
    said: Mapping[str, Answer | Reason],
    now: datetime,
    *,
    wait: bool = True,
) -> None:
    """Note what was said of these records, in the place of what was said before; and count what was not.

    Nothing is noted for a connector that was deleted while its webhook was asked; nor, without `wait`, while
    somebody has it locked: to close a large session takes minutes, to delete what was contributed as well.
    """
    # No weaker lock would do: who closes a session forgets answers, and these would be waited for then.
    mine = sa.select(DATA_CONNECTORS.c.id).where(DATA_CONNECTORS.c.id == hook.connector)
    if connection.scalar(mine.with_for_update(read=True, skip_locked=not wait)) is None:
        return
    forgotten = [id_ for id_, answer in said.items() if isinstance(answer, Reason)]
    connection.execute(
        WEBHOOK_ANSWERS.delete().where(
            WEBHOOK_ANSWERS.c.connector == hook.connector, WEBHOOK_ANSWERS.c.vendor_id.in_(forgotten)
        )
    )
    rows = [
        {
            "connector": hook.connector,
            "vendor_id": id_,
            "entity": dict(answer.entity) or None,
            "instance": dict(answer.instance) or None,
            "fetched_at": now,
            "until": now + timedelta(seconds=hook.cache),
        }
        for id_, answer in said.items()
        if isinstance(answer, Answer)
    ]
    if rows:
        _put(connection, WEBHOOK_ANSWERS, rows, ("entity", "instance", "fetched_at", "until"))
    for reason in Reason:
        if failures := sum(answer is reason for answer in said.values()):
            _count(connection, hook, reason, failures, now)


def forget_old_answers(connection: sa.Connection, hook: Webhook, now: datetime) -> None:
    """Remove the connector's answers that nobody uses any more, and the oldest of too many."""
    answers = WEBHOOK_ANSWERS.c
    mine = answers.connector == hook.connector
    unread = answers.fetched_at < now - LEFT_FOR_RUNS
    connection.execute(WEBHOOK_ANSWERS.delete().where(mine, unread, answers.until <= now))
    newest = sa.select(answers.fetched_at).where(mine).order_by(answers.fetched_at.desc())
    oldest_kept = connection.scalar(newest.offset(MOST_KEPT - 1).limit(1))
    if oldest_kept is not None:
        connection.execute(WEBHOOK_ANSWERS.delete().where(mine, unread, answers.fetched_at < oldest_kept))


def failures_of(connection: sa.Connection, connector: str) -> Mapping[Reason, int]:
    """How often the connector's webhook gave no answer that could be used, by why."""
    rows = connection.execute(
        sa.select(WEBHOOK_FAILURES.c.reason, WEBHOOK_FAILURES.c.failures).where(
            WEBHOOK_FAILURES.c.connector == connector
        )
    )
    return {Reason(row.reason): row.failures for row in rows}


def used_answer(record: sa.FromClause, connector: sa.FromClause) -> sa.ColumnElement[bool]:
    """Which answer is merged into a record of an hour: the last, unless its connector changed since."""
    return sa.and_(
        WEBHOOK_ANSWERS.c.connector == record.c.connector,
        WEBHOOK_ANSWERS.c.vendor_id == record.c.vendor_id,
        WEBHOOK_ANSWERS.c.fetched_at >= connector.c.changed_at,
        connector.c.webhook.is_not(None),
    )


def _holding(connector: str, now: datetime) -> Iterator[sa.ColumnElement[bool]]:
    """That an answer is the connector's and holds still."""
    changed = sa.select(DATA_CONNECTORS.c.changed_at).where(DATA_CONNECTORS.c.id == connector)
    yield WEBHOOK_ANSWERS.c.connector == connector
    yield WEBHOOK_ANSWERS.c.until > now
    yield WEBHOOK_ANSWERS.c.fetched_at >= changed.scalar_subquery()


def _count(connection: sa.Connection, hook: Webhook, reason: Reason, failures: int, now: datetime) -> None:
    first = {"connector": hook.connector, "reason": reason.value, "failures": 0, "last_at": now}
    _put(connection, WEBHOOK_FAILURES, [first], ("last_at",))
    mine = (WEBHOOK_FAILURES.c.connector == hook.connector, WEBHOOK_FAILURES.c.reason == reason.value)
    more = WEBHOOK_FAILURES.c.failures + failures
    connection.execute(WEBHOOK_FAILURES.update().where(*mine).values(failures=more))


def _put(
    connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, object]], changed: Sequence[str]
) -> None:
    """Insert rows; of those that are there already, only some columns change."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    insert = dialect.insert(table)
    given = {name: insert.excluded[name] for name in changed}
    connection.execute(
        insert.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=given), list(rows)
    )
