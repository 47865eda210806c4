"""Coordinators change what contributors have in their hands, and wait for them: in turn, as those do."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends

from export_pipeline.api.bitbroker.contributors import AT_ONCE
from export_pipeline.api.turns import turn
from export_pipeline.api.visits import ConnectorsEditor


async def _in_turn(visit: ConnectorsEditor) -> AsyncIterator[None]:
    async with turn(visit.organization, AT_ONCE):
        yield


# The last of a route's parameters: nobody waits for another's slow body.
InTurn = Annotated[None, Depends(_in_turn, scope="function")]
