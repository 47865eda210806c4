"""Connectors that an operator declares beside the dataset: which are taken, and made known by their names."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from export_pipeline.connectors.connector import CONNECTOR_TYPES
from export_pipeline.connectors.direct_download import DIRECT_DOWNLOAD
from export_pipeline.connectors.lifecycle import ConnectorState
from export_pipeline.control.audit import note_change
from export_pipeline.control.exports import check_slug
from export_pipeline.dataset.connector_section import ConnectorSection
from export_pipeline.dataset.tables import Dataset, suggestion
from export_pipeline.errors import InvalidRequest
from export_pipeline.store.connector_states import change_state
from export_pipeline.store.connectors import (
    DECLARED,
    StoredConnector,
    declare_connector,
    declared_or_named,
    find_connector,
    hide_connector,
    note_declaration,
    redeclare_connector,
)
from export_pipeline.store.declared_connectors import digest_of, organization_of, section_config
from export_pipeline.store.exports import exports_on
from export_pipeline.store.organizations import list_organizations

# Everybody has a way out of that type already.
DECLARABLE = [type_ for type_ in CONNECTOR_TYPES if type_ != DIRECT_DOWNLOAD]


# An edit of the file is no wish to start what somebody has stopped.
STOPPED_BY_HAND = frozenset({ConnectorState.STOPPING, ConnectorState.STOPPED})


@dataclass(frozen=True, slots=True)
class Difference:
    """How the connectors that are `declared` well differ from what is known; `problems` are of the others.

    `edited` say something else than when somebody looked last, `unknown` are those at which nobody has
    looked; `gone` are known, and declared no more.
    """

    declared: Sequence[ConnectorSection]
    new: Sequence[ConnectorSection]
    edited: Sequence[tuple[StoredConnector, ConnectorSection]]
    unknown: Sequence[tuple[StoredConnector, ConnectorSection]]
    gone: Sequence[StoredConnector]
    problems: Sequence[InvalidRequest]

    @property
    def to_do(self) -> bool:
        return bool(self.new or self.edited or self.unknown or self.gone)


def difference(connection: sa.Connection, dataset: Dataset) -> Difference:
    """Compare the connectors that are declared with those that are known."""
    organizations = list_organizations(connection)
    found = declared_or_named(connection, [*dataset.connectors])
    known = {(one.organization, one.name): one for one in found}
    declared, new, edited, unknown, problems = [], [], [], [], []
    for section in dataset.connectors.values():
        there = known.get((organization_of(section), section.name))
        try:
            _check(section, organizations, there)
        except InvalidRequest as error:
            problems.append(error)
            continue
        declared.append(section)
        if there is None:
            new.append(section)
        elif there.type != section.type or there.declaration not in (None, digest_of(section)):
            edited.append((there, section))
        elif there.declaration is None:
            unknown.append((there, section))
    places = {(organization_of(section), section.name) for section in dataset.connectors.values()}
    gone = [
        one
        for place, one in known.items()
        if one.declared and place not in places and not exports_on(connection, one.id)
    ]
    return Difference(declared, new, edited, unknown, gone, problems)


def declare_connectors(connection: sa.Connection, dataset: Dataset) -> None:
    """Give every declared connector an id; forget those that are declared no more and that nothing uses.

    One that exports go through keeps its id: its hours fail, saying why, until it is declared again. One that
    was edited starts anew, as if it was replaced; one that is stopped stays so.
    """
    found = difference(connection, dataset)
    for section in found.new:
        # Nobody can lock what is not there yet, so two processes may find the same one new.
        if declare_connector(
            connection, organization_of(section), section.name, section.type, digest_of(section)
        ):
            _note(connection, "connector.declare", section)
    for stored, section in found.unknown:
        note_declaration(connection, stored.id, digest_of(section))
    for stored, section in found.edited:
        redeclare_connector(connection, stored.id, section.type, digest_of(section))
        if stored.state not in STOPPED_BY_HAND:
            now = datetime.now(UTC)
            change_state(connection, stored.id, ConnectorState.STARTING, DECLARED, now=now)
        _note(connection, "connector.redeclare", section)
    for stored in found.gone:
        find_connector(connection, stored.organization, stored.name, locked=True)
        if not exports_on(connection, stored.id):
            hide_connector(connection, stored.id)
            note_change(
                connection,
                "connector.undeclare",
                organization=stored.organization,
                subject=stored.name,
                before={"type": stored.type},
            )


def declared_problems(connection: sa.Connection, dataset: Dataset) -> Iterator[InvalidRequest]:
    """What is wrong with declared connectors, as far as this process can see: it has its own environment."""
    found = difference(connection, dataset)
    yield from found.problems
    for section in found.declared:
        try:
            section_config(section)
        except InvalidRequest as error:
            yield error


def _note(connection: sa.Connection, action: str, section: ConnectorSection) -> None:
    note_change(
        connection,
        action,
        organization=organization_of(section),
        subject=section.name,
        after={"type": section.type},
    )


def _check(section: ConnectorSection, organizations: Sequence[str], there: StoredConnector | None) -> None:
    try:
        check_slug(section.name, field="name")
    except InvalidRequest as error:
        section.refuse(InvalidRequest(str(error).removeprefix("name: ")))
    if section.type not in DECLARABLE:
        message = f"has to be one of {', '.join(DECLARABLE)}"
        section.refuse(InvalidRequest(message, field="type"))
    organization = organization_of(section)
    if organization not in organizations:
        message = f"there is no organization {organization!r}{suggestion(organization, organizations)}"
        section.refuse(InvalidRequest(message, field="organization"))
    if there is not None and not there.declared:
        section.refuse(
            InvalidRequest(
                "there is a connector of that name already, made by hand, and that is the one that is used;"
                " delete it, or choose another name here"
            )
        )
