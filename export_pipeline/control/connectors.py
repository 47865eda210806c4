"""What people may do with connectors. Every rule about them is here, whoever asks."""

import random
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from export_pipeline.connectors.checking import CheckStep, check, failed_step
from export_pipeline.connectors.connector import ConnectorConfig, config_from
from export_pipeline.connectors.direct_download import DIRECT_DOWNLOAD, UNPLACED, DirectDownloadConfig
from export_pipeline.connectors.lifecycle import Action, ConnectorState, actions_in
from export_pipeline.control import looks
from export_pipeline.control.audit import audited, note_change
from export_pipeline.control.collisions import contexts_of
from export_pipeline.control.exports import check_keys, check_slug, delete_export
from export_pipeline.control.external_ids import with_external_id
from export_pipeline.control.kept_secrets import with_kept_secrets
from export_pipeline.control.properties import check_properties
from export_pipeline.errors import AlreadyExists, HourFailed, InUse, InvalidRequest, NotFound, WrongState
from export_pipeline.store.claims import in_flight
from export_pipeline.store.connector_states import change_state, last_check, note_check
from export_pipeline.store.connectors import (
    NOT_CHECKED,
    StoredConnector,
    add_connector,
    connector_config,
    find_connector,
    hide_connector,
    replace_config,
)
from export_pipeline.store.database import writing
from export_pipeline.store.encryption import SecretKey
from export_pipeline.store.exports import exports_on
from export_pipeline.store.probes import HeldProbe, forget_probes, hold_probe, let_go

# True wherever it is read: not every face lets one that failed be replaced.
BY_HAND = "It was failed by hand; stop it, and start it when its time has come."
STOPPED = "It was stopped by hand; start it when files may go there again."


@audited("connector.create", looks.connector)
def create_connector(
    connection: sa.Connection,
    key: SecretKey,
    *,
    organization: str,
    name: str,
    config: Mapping[str, Any],
    by_operator: bool = False,
    properties: Mapping[str, Any] | None = None,
) -> StoredConnector:
    """Accept a way out under a name. Refused, nothing is stored and the message names the field.

    `by_operator`: it may use what is the operator's: our own identity, a folder of this machine.
    `properties`: whatever is to be kept with it, no secrets.
    """
    check_slug(name, field="name")
    check_properties(properties or {})
    made = _direct_download(config)
    if made is None:
        made = config_from(config)
        if not by_operator:
            made = _for_customer(connection, organization, made)
    with suppress(NotFound):
        if find_connector(connection, organization, name).declared:
            raise AlreadyExists(
                f"a connector {name!r} is declared beside the dataset; edit [connectors.{name}] in the"
                " dataset's declaration, or choose another name"
            )
    return add_connector(connection, key, organization, name, made, properties=properties)


@audited("connector.replace", looks.connector)
def replace_connector(
    connection: sa.Connection,
    key: SecretKey,
    *,
    organization: str,
    name: str,
    config: Mapping[str, Any],
    by_operator: bool = False,
    mendable: bool = True,
) -> StoredConnector:
    """Give a connector another configuration and start it with that; its exports stay, and follow.

    A secret that is left out keeps its value while the type and the address stay; one that is None is taken
    away. Refused if an export could not write all its keys there. `by_operator` is as for a new one;
    `mendable`: one that failed is mended so, and need not be stopped first.
    """
    found = _found(connection, organization, name, Action.REPLACE, mendable=mendable)
    new = _direct_download(config)
    if new is None:
        new = with_kept_secrets(config, connector_config(connection, key, found.id))
        if not by_operator:
            new = _for_customer(connection, organization, new)
    _check_exports(connection, found, new)
    replace_config(connection, key, found.id, new)
    return change_state(connection, found.id, ConnectorState.STARTING, NOT_CHECKED, now=datetime.now(UTC))


@audited("connector.start", looks.connector)
def start_connector(
    connection: sa.Connection, organization: str, name: str, *, mendable: bool = True
) -> StoredConnector:
    """Let files go through a connector again, as soon as its check has passed; `mendable` as above."""
    found = _found(connection, organization, name, Action.START, mendable=mendable)
    return change_state(connection, found.id, ConnectorState.STARTING, NOT_CHECKED, now=datetime.now(UTC))


def try_connector_again(connection: sa.Connection, organization: str, name: str) -> None:
    """Have a connector checked anew that a check refused: whoever asks for files there may have mended what
    was wrong. Nothing else is touched: not what was stopped, or failed by hand.
    """
    found = find_connector(connection, organization, name, locked=True)
    refusals = [step.message for step in last_check(connection, found.id) if not step.ok]
    if found.state is not ConnectorState.FAILED or found.reason not in refusals:
        return
    again = change_state(connection, found.id, ConnectorState.STARTING, NOT_CHECKED, now=datetime.now(UTC))
    before, after = ({"state": one.state, "reason": one.reason} for one in (found, again))
    note_change(
        connection,
        "connector.start",
        organization=organization,
        subject=name,
        before=before,
        after=after,
    )


@audited("connector.stop", looks.connector)
def stop_connector(connection: sa.Connection, organization: str, name: str) -> StoredConnector:
    """Let no new hour go through a connector. It is stopped when those in flight have ended."""
    now = datetime.now(UTC)
    found = _found(connection, organization, name, Action.STOP)
    stopping = change_state(connection, found.id, ConnectorState.STOPPING, STOPPED, now=now)
    if in_flight(connection, found.id, now):
        return stopping
    return change_state(connection, found.id, ConnectorState.STOPPED, STOPPED, now=now)


@audited("connector.fail", looks.connector)
def fail_connector(
    connection: sa.Connection, organization: str, name: str, reason: str = ""
) -> StoredConnector:
    """Say by hand that a connector is not to be used: its exports wait, and say the reason."""
    found = _found(connection, organization, name, Action.FAIL)
    said = reason.strip() or BY_HAND
    return change_state(connection, found.id, ConnectorState.FAILED, said, now=datetime.now(UTC))


@audited("connector.delete", looks.connector)
def delete_connector(connection: sa.Connection, organization: str, name: str) -> StoredConnector:
    """Forget a connector and its credentials. InUse names the exports that go through it.

    What was made for one-off requests goes with it, as nobody has a name to delete that by: what they asked
    for and is not begun fails. Refused while their files are on the way.
    """
    found = _found(connection, organization, name, Action.DELETE)
    exports = exports_on(connection, found.id)
    if users := [export.slug for export in exports if not export.generated]:
        raise InUse(f"exports go through {name!r}: {', '.join(users)}; delete those first")
    if exports and in_flight(connection, found.id, datetime.now(UTC)):
        raise InUse(f"files of a request are on their way through {name!r}; delete it when they are there")
    for export in exports:
        delete_export(connection, organization, export.slug)
    forget_probes(connection, found.id)
    hide_connector(connection, found.id)
    return found


def check_connector(
    control: sa.Engine, connector: StoredConnector, config: ConnectorConfig
) -> Iterator[CheckStep]:
    """Check a connector, step by step as they end, and note in the end what that makes of it.

    `config` must have been read after `connector`. What the check says is dropped if the connector was
    changed or checked by another while it ran; it is not noted if the steps are not awaited.
    """
    with writing(control) as connection:
        probe = hold_probe(connection, connector.id, now=datetime.now(UTC))
    steps = []
    for step in _steps(config, probe):
        steps.append(step)
        yield step
    now = datetime.now(UTC)
    with writing(control) as connection:
        spread = random.random()  # noqa: S311 -- spreads checks, guards nothing
        note_check(connection, connector, steps, now=now, spread=spread)
        let_go(connection, probe, gone=not any(step.leaves for step in steps), now=now)


def _steps(config: ConnectorConfig, probe: HeldProbe) -> Iterator[CheckStep]:
    try:
        destination = config.open()
    except HourFailed as error:  # a key that cannot be read, no identity on this machine
        yield failed_step("authenticate", error, leaves=probe.stays)
        return
    address, inside = config.address, config.inside
    for step in check(destination, address, inside=inside, probe=probe.key, stays=probe.stays):
        if isinstance(config, DirectDownloadConfig):  # customers read it, and the place is the operator's
            told = config.places.untold if step.ok else config.places.noted
            yield replace(step, message=told(step.message))
        else:
            yield step


def _found(
    connection: sa.Connection,
    organization: str,
    name: str,
    action: Action,
    *,
    mendable: bool = True,
) -> StoredConnector:
    """The connector, locked, if that may be done to it as it is."""
    found = find_connector(connection, organization, name, locked=True)
    if found.declared and action in (Action.REPLACE, Action.DELETE):
        raise InvalidRequest(
            f"name: {name!r} is declared beside the dataset, and cannot be {_DONE[action]} from here:"
            f" edit [connectors.{name}] in the dataset's declaration",
            field="name",
        )
    if found.name == found.type == DIRECT_DOWNLOAD:
        raise InvalidRequest(f"name: {name} is always there; it cannot be {_DONE[action]}", field="name")
    allowed = [*actions_in(found.state)]
    if found.state is ConnectorState.FAILED and not mendable:
        allowed.remove(Action.REPLACE)
    if found.declared:
        allowed = [one for one in allowed if one not in (Action.REPLACE, Action.DELETE)]
    if action not in allowed:
        raise WrongState(
            f"connector {name!r} is {found.state} and cannot be {_DONE[action]} now;"
            f" what can be done: {', '.join(allowed)}",
            state=found.state,
            allowed=tuple(allowed),
        )
    return found


_DONE = {
    Action.REPLACE: "replaced",
    Action.START: "started",
    Action.STOP: "stopped",
    Action.FAIL: "failed",
    Action.DELETE: "deleted",
}


def _direct_download(config: Mapping[str, Any]) -> ConnectorConfig | None:
    """The configuration of another direct download, if that is asked for. Its fields are the operator's."""
    if config.get("type") != DIRECT_DOWNLOAD:
        return None
    if others := sorted(set(config) - {"type"}):
        raise InvalidRequest(
            f"{others[0]}: where a direct_download keeps files is for the operator to say; leave it out",
            field=others[0],
        )
    return UNPLACED


def _for_customer(connection: sa.Connection, organization: str, config: ConnectorConfig) -> ConnectorConfig:
    """The configuration, if it is none for operators only, with what it has of the organization."""
    if config.operators_only:
        field = config.operators_only.split(maxsplit=1)[0].removesuffix(":")
        raise InvalidRequest(config.operators_only, field=field)
    return with_external_id(connection, organization, config)


def _check_exports(connection: sa.Connection, found: StoredConnector, config: ConnectorConfig) -> None:
    problems = []
    for export in exports_on(connection, found.id):
        try:
            check_keys(export.definition, contexts_of(export), config.key_limits)
        except InvalidRequest as error:
            problems.append(f"{export.slug} ({error})")
    if problems:
        raise InvalidRequest(
            f"config: exports that go through {found.name!r} could not write all their files there:"
            f" {'; '.join(problems)}; change the configuration, or those exports first",
            field="config",
        )
