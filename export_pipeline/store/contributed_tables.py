"""What was contributed, as tables of the dataset: one for each entity type of an organization.

Its rows are the records of live connectors, with what their webhooks last said of them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from export_pipeline.contributions.columns import (
    ACCEPTED_AT,
    CONNECTOR,
    EXTRA,
    INSTANCE,
    PUBLIC_ID,
    RECORD_NAME,
    VENDOR_ID,
    Property,
    properties_of,
)
from export_pipeline.dataset.tables import Column, Table
from export_pipeline.dataset.types import ColumnType, Kind
from export_pipeline.extract.member_sql import Member, member, merged, remaining, unfit
from export_pipeline.extract.members import Named
from export_pipeline.extract.query import UNFIT
from export_pipeline.store.contribution_schema import CONTRIBUTED_RECORDS, DATA_CONNECTORS, ENTITY_TYPES
from export_pipeline.store.webhook_answers import used_answer
from export_pipeline.store.webhook_schema import WEBHOOK_ANSWERS


def contributed_tables(connection: sa.Connection, organization: str) -> Sequence[Table]:
    """The organization's entity types, each as a table of its name."""
    rows = connection.execute(
        sa.select(ENTITY_TYPES.c.id, ENTITY_TYPES.c.eid, ENTITY_TYPES.c.schema)
        .where(ENTITY_TYPES.c.organization == organization)
        .order_by(ENTITY_TYPES.c.eid)
    )
    return [_table(connection.dialect.name, row.id, row.eid, row.schema) for row in rows]


def _table(dialect: str, id_: str, eid: str, schema: Any) -> Table:
    properties = properties_of(schema)
    return Table(
        name=eid,
        relation=eid,
        columns=(
            _column(VENDOR_ID, Kind.STRING, nullable=False),
            _column(PUBLIC_ID, Kind.STRING, nullable=False),
            _column(RECORD_NAME, Kind.STRING, nullable=False),
            _column(CONNECTOR, Kind.STRING, nullable=False),
            _column(ACCEPTED_AT, Kind.TIMESTAMP, nullable=False),
            *(_column(one.name, one.kind) for one in properties),
            _column(INSTANCE, Kind.JSON),
            _column(EXTRA, Kind.JSON),
        ),
        time_column=ACCEPTED_AT,
        order_by=(ACCEPTED_AT, PUBLIC_ID),
        for_every_tenant=True,  # they are one organization's, which nobody else is shown
        derived=_rows(dialect, id_, properties),
    )


def _column(name: str, kind: Kind, *, nullable: bool = True) -> Column:
    return Column(name=name, display_name=name, type=ColumnType(kind), nullable=nullable)


def _rows(dialect: str, id_: str, properties: Sequence[Property]) -> sa.Select[Any]:
    record, connector = CONTRIBUTED_RECORDS, DATA_CONNECTORS
    joined = record.join(connector, record.c.connector == connector.c.id).outerjoin(
        WEBHOOK_ANSWERS, used_answer(record, connector)
    )
    members = [Member(name=one.name, path=one.path, kind=one.kind) for one in properties]
    said: sa.ColumnElement[Any] = WEBHOOK_ANSWERS.c.entity
    if dialect == "postgresql":
        answer = _parsed("answer", WEBHOOK_ANSWERS, entity=sa.cast(said, postgresql.JSONB))
        joined, said = joined.join(answer, sa.true()), answer.c.entity
    # It did fit when it was given; the schema may be another since.
    fits = unfit(said, members).is_(None)
    entity: sa.ColumnElement[Any] = merged(record.c.record, sa.case((fits, said)))
    instance: sa.ColumnElement[Any] = merged(record.c.instance, sa.case((fits, WEBHOOK_ANSWERS.c.instance)))
    if dialect == "postgresql":
        outer = (record, WEBHOOK_ANSWERS, answer)
        documents = _parsed("documents", *outer, entity=entity, instance=instance)
        joined = joined.join(documents, sa.true())
        entity, instance = documents.c.entity, documents.c.instance
    return (
        sa.select(
            record.c.vendor_id.label(VENDOR_ID),
            record.c.public_id.label(PUBLIC_ID),
            record.c.name.label(RECORD_NAME),
            connector.c.cid.label(CONNECTOR),
            record.c.accepted_at.label(ACCEPTED_AT),
            *(member(entity, one).label(one.name) for one in members),
            remaining(instance, {}).label(INSTANCE),
            remaining(entity, _named(properties)).label(EXTRA),
            unfit(entity, members).label(UNFIT),
        )
        .select_from(joined)
        .where(connector.c.entity_type == id_, connector.c.is_live)
    )


def _parsed(name: str, *outer: sa.FromClause, **documents: sa.ColumnElement[Any]) -> sa.FromClause:
    """Documents that PostgreSQL parses once for all members."""
    parsed = sa.select(*(one.label(label) for label, one in documents.items()))
    # Without the OFFSET they would be parsed for each of them.
    return parsed.offset(sa.literal_column("0")).correlate(*outer).lateral(name)


def _named(properties: Sequence[Property]) -> Named:
    named: dict[str, Any] = {}
    for one in properties:
        *above, name = one.path
        inner = named
        for part in above:
            inner = inner.setdefault(part, {})
        inner[name] = None
    return named


def with_contributed(tables: Mapping[str, Table], contributed: Sequence[Table]) -> Mapping[str, Table]:
    """Declared tables, and those of the contributed ones whose names no declared one has."""
    taken = {name.casefold() for name in tables}
    return {**tables, **{table.name: table for table in contributed if table.name.casefold() not in taken}}
