"""Before an hour of contributed tables is read: webhooks are asked of its records what is not known any more.

Nothing of ours is held meanwhile. What they say is kept first, and the hour's snapshot then sees it.
"""

import logging
import threading
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice

import sqlalchemy as sa

from export_pipeline.contributions.webhook import ask_all
from export_pipeline.contributions.webhook_requests import Reason
from export_pipeline.store.database import reading, writing
from export_pipeline.store.webhook_answers import (
    Webhook,
    forget_old_answers,
    keep_answers,
    records_to_ask_for,
    webhooks_of,
)
from export_pipeline.windows import HourWindow

LOG = logging.getLogger(__name__)

# Kept in one transaction: a writer holds SQLite for milliseconds.
ANSWERS_AT_ONCE = 500


def enrich(
    control: sa.Engine, organization: str, tables: Sequence[str], window: HourWindow, stop: threading.Event
) -> None:
    """Ask the webhooks of these entity types' live connectors about the hour's records.

    One that fails costs nothing but what it would have said, and is counted.
    """
    for eid in tables:
        # Before they are read: a connector that is changed from now on is not believed what it says.
        now = datetime.now(UTC)
        with reading(control) as connection:
            hooks = webhooks_of(connection, organization, eid)
        for hook in hooks:
            _ask(control, hook, window, now, stop)


def _ask(control: sa.Engine, hook: Webhook, window: HourWindow, now: datetime, stop: threading.Event) -> None:
    with reading(control) as connection:
        vendor_ids = records_to_ask_for(connection, hook, window.since, window.until, now)
    if not vendor_ids:
        return
    with writing(control) as connection:
        forget_old_answers(connection, hook, now)
    told: Counter[str] = Counter()
    answers = ask_all(
        hook.url,
        hook.entity_type,
        vendor_ids,
        hook.properties,
        organization=hook.organization,
        stop=stop,
    )
    while said := dict(islice(answers, ANSWERS_AT_ONCE)):
        with writing(control) as connection:
            keep_answers(connection, hook, said, now)
        told.update(str(answer) if isinstance(answer, Reason) else "answered" for answer in said.values())
    LOG.info(
        "%s: the webhook of data connector %s was asked of %d records: %s",
        window.key,
        hook.connector,
        len(vendor_ids),
        ", ".join(f"{count} {what}" for what, count in sorted(told.items())),
    )
