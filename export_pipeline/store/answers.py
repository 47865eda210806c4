"""Answers to requests that carried a key of the client's own, kept so that they are given again."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from export_pipeline.store.schema import ANSWERS


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """What a request was answered. `digest` tells it from others; None: it is not answered again."""

    digest: str
    answer: str | None


def kept_answer(
    connection: sa.Connection, api_key_id: str, organization: str, key: str, *, since: datetime
) -> KeptAnswer | None:
    """The answer to the request that carried the key since then."""
    row = connection.execute(
        sa.select(ANSWERS.c.digest, ANSWERS.c.answer).where(
            *_place(api_key_id, organization, key), ANSWERS.c.asked_at >= since
        )
    ).one_or_none()
    return KeptAnswer(digest=row.digest, answer=row.answer) if row else None


def take_place(
    connection: sa.Connection,
    api_key_id: str,
    organization: str,
    key: str,
    *,
    digest: str,
    now: datetime,
    since: datetime,
) -> bool:
    """Keep a place for the answer to a request; False if another one has it, whose answer is there then.

    Whoever asks at the same time waits until this transaction ends. Answers from before `since` are dropped.
    """
    connection.execute(ANSWERS.delete().where(ANSWERS.c.api_key_id == api_key_id, ANSWERS.c.asked_at < since))
    values = {"api_key_id": api_key_id, "organization": organization, "key": key}
    try:
        with connection.begin_nested():
            connection.execute(ANSWERS.insert().values(**values, digest=digest, asked_at=now))
    except IntegrityError:
        return False
    return True


def keep_answer(
    connection: sa.Connection, api_key_id: str, organization: str, key: str, answer: str | None
) -> None:
    """Put the answer into its place."""
    connection.execute(ANSWERS.update().where(*_place(api_key_id, organization, key)).values(answer=answer))


def forget_answers(connection: sa.Connection, before: datetime) -> int:
    """Forget what was answered before then, whoever had asked; how many answers that were."""
    return connection.execute(ANSWERS.delete().where(ANSWERS.c.asked_at < before)).rowcount


def _place(api_key_id: str, organization: str, key: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        ANSWERS.c.api_key_id == api_key_id,
        ANSWERS.c.organization == organization,
        ANSWERS.c.key == key,
    )
