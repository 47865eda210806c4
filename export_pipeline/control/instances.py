"""One contributed record, with what its data connector's webhook says of it."""

from dataclasses import replace
from datetime import UTC, datetime

import sqlalchemy as sa

from export_pipeline.contributions.columns import fit, properties_of
from export_pipeline.contributions.webhook import Answer, ask, enriched
from export_pipeline.contributions.webhook_requests import Reason, Unanswered
from export_pipeline.store.contributed_records import ContributedRecord
from export_pipeline.store.database import reading, writing
from export_pipeline.store.entity_types import EntityType
from export_pipeline.store.webhook_answers import Webhook, keep_answers, kept_answers


def enriched_record(
    control: sa.Engine, record: ContributedRecord, entity_type: EntityType
) -> ContributedRecord:
    """The record with the webhook's answer, of which one that holds still is not asked for again.

    A webhook that fails costs nothing but what it would have said, and is counted. Neither is noted while a
    session of the connector changes its records: no reader waits for that.
    """
    if record.webhook is None:
        return record
    hook = Webhook(
        organization=entity_type.organization,
        connector=record.connector,
        url=record.webhook,
        entity_type=entity_type.eid,
        properties=properties_of(entity_type.profile.schema),
        cache=record.cache,
    )
    now = datetime.now(UTC)
    with reading(control) as connection:
        kept = kept_answers(connection, hook, [record.vendor_id], now).get(record.vendor_id)
    if kept is not None and not fit(kept.entity, hook.properties):
        kept = None  # the schema was another when it was given
    said = kept or _asked(hook, record.vendor_id)
    if kept is None:
        with writing(control) as connection:
            keep_answers(connection, hook, {record.vendor_id: said}, now, wait=False)
    if isinstance(said, Reason):
        return record
    entity, instance = enriched(record.entity, record.instance, said)
    return replace(record, entity=entity, instance=instance)


def _asked(hook: Webhook, vendor_id: str) -> Answer | Reason:
    try:
        return ask(hook.url, hook.entity_type, vendor_id, hook.properties, organization=hook.organization)
    except Unanswered as unanswered:
        return unanswered.reason
