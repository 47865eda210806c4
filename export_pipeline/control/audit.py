"""Every change that people make leaves an entry in the audit log, in the transaction of the change.

Who makes it is known to the connection: entry points name them (`acting`), and otherwise it is whoever runs
this process. What changes something is decorated with `audited`, which looks at it before and after.
"""

import functools
import getpass
import inspect
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal, ParamSpec, Protocol, TypeVar, cast

import sqlalchemy as sa

from export_pipeline.errors import Gone, NotFound
from export_pipeline.store.audit import add_audit_entry

P = ParamSpec("P")
R = TypeVar("R")

_OPTION = "export_pipeline_actor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who changes something, and by which request, if it was one."""

    kind: Literal["key", "user"]
    id: str | None = None
    name: str
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What a thing looks like at a moment, without secrets; `subject` is what it is called.

    `organization` is whose it is, where the arguments of the change do not say so.
    """

    subject: str
    shown: Mapping[str, Any]
    organization: str | None = None


class Look(Protocol):
    """Looks at the thing that a change is about, before (`result` is None) and after.

    `given` are the arguments of the change. NotFound, Gone or None: it is not there.
    """

    def __call__(
        self, connection: sa.Connection, given: Mapping[str, Any], result: Any, /
    ) -> Seen | None: ...


def acting(control: sa.Engine, actor: Actor) -> sa.Engine:
    """The same control database, for what the actor does."""
    return control.execution_options(**{_OPTION: actor})


def actor_of(connection: sa.Connection) -> Actor:
    """Who acts on the connection: who was named, or the user of this process."""
    named = connection.get_execution_options().get(_OPTION)
    return named if isinstance(named, Actor) else Actor(kind="user", name=_user())


def audited(action: str, look: Look) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorates what changes a thing of an organization; `action` is like `connector.replace`."""

    def decorated(change: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(change)

        @functools.wraps(change)
        def changed(*args: P.args, **kwargs: P.kwargs) -> R:
            given = signature.bind(*args, **kwargs).arguments
            connection = cast("sa.Connection", given["connection"])
            before = _seen(look, connection, given, None)
            result = change(*args, **kwargs)
            after = _seen(look, connection, given, result)
            named = after or before
            assert named is not None, "a change is of something that was there, or is"
            note_change(
                connection,
                action,
                organization=named.organization or given["organization"],
                subject=named.subject,
                before=before.shown if before else None,
                after=after.shown if after else None,
            )
            return result

        return changed

    return decorated


def note_change(
    connection: sa.Connection,
    action: str,
    *,
    organization: str | None,
    subject: str,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Note a change that `audited` cannot see: one of several things, or of the deployment itself."""
    actor = actor_of(connection)
    add_audit_entry(
        connection,
        organization=organization,
        actor_kind=actor.kind,
        actor_id=actor.id,
        actor_name=actor.name,
        request_id=actor.request_id,
        action=action,
        subject=subject,
        before=before,
        after=after,
    )


def _seen(look: Look, connection: sa.Connection, given: Mapping[str, Any], result: Any) -> Seen | None:
    with suppress(NotFound, Gone):
        return look(connection, given, result)
    return None


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user need not have a name
        return f"user {os.getuid()}"
