"""Contributed records, as sessions change them and consumers read them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from export_pipeline.errors import NotFound
from export_pipeline.store.contribution_schema import CONTRIBUTED_RECORDS, DATA_CONNECTORS, STAGED_CHANGES
from export_pipeline.store.contribution_sessions import ContributionSession
from export_pipeline.store.data_connectors import DataConnector
from export_pipeline.store.entity_types import EntityType
from export_pipeline.store.moments import Moment
from export_pipeline.store.webhook_schema import WEBHOOK_ANSWERS
from export_pipeline.windows import floor


@dataclass(frozen=True, slots=True, kw_only=True)
class ContributedRecord:
    """A record as it was accepted, and whose service can say more of it. `entity` is the contributor's."""

    connector: str
    vendor_id: str
    public_id: str
    name: str
    entity: Mapping[str, Any]
    instance: Mapping[str, Any] | None
    accepted_at: datetime
    webhook: str | None
    cache: int


_READ = sa.select(CONTRIBUTED_RECORDS, DATA_CONNECTORS.c.webhook, DATA_CONNECTORS.c.cache).join(
    DATA_CONNECTORS, DATA_CONNECTORS.c.id == CONTRIBUTED_RECORDS.c.connector
)


def accept_staged(
    connection: sa.Connection, session: ContributionSession, *, replace: bool, now: datetime
) -> frozenset[datetime]:
    """Do what the session was to change. With `replace`, what it does not mention goes.

    Returns the hours that a record came into or left. What is contributed again as it is stays where it is.
    """
    records, staged = CONTRIBUTED_RECORDS, STAGED_CHANGES
    theirs = records.c.connector == session.connector
    of_session = staged.c.session == session.id
    # By the primary key, so that a session costs what it changes and not what is there.
    mentioned = records.c.vendor_id.in_(sa.select(staged.c.vendor_id).where(of_session))
    same = sa.exists().where(
        of_session, staged.c.vendor_id == records.c.vendor_id, staged.c.digest == records.c.digest
    )
    going = sa.and_(theirs, sa.not_(same)) if replace else sa.and_(theirs, mentioned, sa.not_(same))
    left = connection.scalars(sa.select(records.c.accepted_at).where(going)).all()
    comes_back = sa.exists().where(
        of_session, staged.c.vendor_id == records.c.vendor_id, staged.c.digest.is_not(None)
    )
    _forget_answers(connection, session, sa.select(records.c.vendor_id).where(going, sa.not_(comes_back)))
    connection.execute(records.delete().where(going))
    there = sa.exists().where(theirs, records.c.vendor_id == staged.c.vendor_id)
    copied = "vendor_id", "public_id", "name", "record", "instance", "digest"
    coming = sa.select(
        sa.literal(session.connector, sa.String),
        sa.literal(now, Moment),
        *(staged.c[name] for name in copied),
    ).where(of_session, staged.c.digest.is_not(None), sa.not_(there))
    came = connection.execute(
        records.insert().from_select(["connector", "accepted_at", *copied], coming),
        execution_options={"preserve_rowcount": True},
    )
    connection.execute(staged.delete().where(of_session))
    return frozenset(map(floor, [*left, *([now] if came.rowcount else [])]))


def _forget_answers(
    connection: sa.Connection, session: ContributionSession, gone: sa.Select[tuple[str]]
) -> None:
    """What the webhook said of a record goes with it: another may come under its id."""
    answers = WEBHOOK_ANSWERS.c
    theirs = answers.connector == session.connector
    connection.execute(WEBHOOK_ANSWERS.delete().where(theirs, answers.vendor_id.in_(gone)))


def hours_of(connection: sa.Connection, connector: DataConnector) -> frozenset[datetime]:
    """The hours in which there is a record of the connector's."""
    found = sa.select(CONTRIBUTED_RECORDS.c.accepted_at).where(
        CONTRIBUTED_RECORDS.c.connector == connector.id
    )
    return frozenset(map(floor, connection.scalars(found.distinct())))


def count_records(connection: sa.Connection, connector: DataConnector) -> int:
    """How many records there are of the connector's."""
    of_it = sa.select(sa.func.count()).where(CONTRIBUTED_RECORDS.c.connector == connector.id)
    return connection.scalar(of_it) or 0


def list_records(
    connection: sa.Connection,
    entity: EntityType,
    *,
    staged: Sequence[str],
    offset: int,
    limit: int,
) -> Sequence[ContributedRecord]:
    """A page of an entity type's records by public id: those of live connectors, and of those whose
    contribution ids are in `staged`.
    """
    query = _READ.where(*_seen(entity, staged)).order_by(CONTRIBUTED_RECORDS.c.public_id)
    rows = connection.execute(query.offset(offset).limit(limit))
    return [_record(row._mapping) for row in rows]


def find_record(
    connection: sa.Connection, entity: EntityType, public_id: str, *, staged: Sequence[str]
) -> ContributedRecord:
    """One of those."""
    query = _READ.where(*_seen(entity, staged), CONTRIBUTED_RECORDS.c.public_id == public_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound(f"there is no {entity.eid} {public_id!r}")
    return _record(row._mapping)


def records_of_connector(connection: sa.Connection, connector: DataConnector) -> Sequence[ContributedRecord]:
    """All that the connector contributed, by its own ids."""
    query = _READ.where(CONTRIBUTED_RECORDS.c.connector == connector.id)
    found = [_record(row._mapping) for row in connection.execute(query)]
    return sorted(found, key=lambda record: record.vendor_id)


def _seen(entity: EntityType, staged: Sequence[str]) -> tuple[sa.ColumnElement[bool], ...]:
    shown = sa.or_(DATA_CONNECTORS.c.is_live, DATA_CONNECTORS.c.contribution_id.in_(staged))
    return DATA_CONNECTORS.c.entity_type == entity.id, shown


def _record(row: sa.RowMapping) -> ContributedRecord:
    return ContributedRecord(
        connector=row["connector"],
        vendor_id=row["vendor_id"],
        public_id=row["public_id"],
        name=row["name"],
        entity=row["record"],
        instance=row["instance"],
        accepted_at=row["accepted_at"],
        webhook=row["webhook"],
        cache=row["cache"],
    )
