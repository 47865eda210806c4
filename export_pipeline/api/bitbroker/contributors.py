"""Who contributes: a data connector that shows its token, or a key that may contribute for all of them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

import sqlalchemy as sa
from fastapi import Depends, Request

from export_pipeline.api.bitbroker.addresses import Id
from export_pipeline.api.limiting import Limits
from export_pipeline.api.turns import room, turn
from export_pipeline.api.visits import check_address, deployment_of, presented, visit
from export_pipeline.contributions.conforming import Checked
from export_pipeline.contributions.mistakes import reject
from export_pipeline.control.data_connectors import contributor_with
from export_pipeline.control.privileges import Privilege
from export_pipeline.errors import NotFound
from export_pipeline.store.data_connectors import DataConnector, contributing_connector
from export_pipeline.store.database import reading

_ID = Checked({"minLength": 40, "maxLength": 40, "pattern": "^[a-z0-9]+$"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Contributor:
    """The data connector for which somebody asks. A session of it may rest for `idle`."""

    control: sa.Engine
    connector: DataConnector
    idle: timedelta


def contributor(request: Request, cid: Id) -> Contributor:
    """Whose address it is, if it is theirs who ask. NotFound: nobody is told of others' connectors."""
    check_address(request)
    deployment = deployment_of(request)
    token = presented(request)
    with reading(deployment.control) as connection:
        connector = contributor_with(connection, token) if token else None
    if connector is None:
        theirs = visit(request, Privilege.DATA_CONTRIBUTE)
        reject(_ID.mistakes(cid, "id"))
        with reading(deployment.control) as connection:
            connector = contributing_connector(connection, theirs.organization, cid)
    else:
        limits: Limits = request.app.state.limits
        limits.take_of_contributor(connector.id)
        request.state.key_id = connector.id
        reject(_ID.mistakes(cid, "id"))
        if connector.contribution_id != cid:
            raise NotFound("the token is another data connector's")
    return Contributor(
        control=deployment.control, connector=connector, idle=deployment.settings.contribution_idle
    )


Known = Annotated[Contributor, Depends(contributor)]

# Of an organization, in one process. Of one data connector it is one: the database lets no two change it.
AT_ONCE = 4

# Under way, of one data connector: a third party leaves the organization's others their room.
MOST_OF_ONE = 8


async def with_room(known: Known) -> AsyncIterator[None]:
    """Before the body is read: that of a contributor is the largest there is."""
    async with room(known.connector.id, MOST_OF_ONE), room(known.connector.organization):
        yield


async def _in_turn(known: Known) -> AsyncIterator[Contributor]:
    async with turn(known.connector.id, 1), turn(known.connector.organization, AT_ONCE):
        yield known


# Before the answer is sent: who does not read it keeps no turn.
Contributing = Annotated[Contributor, Depends(_in_turn, scope="function")]
