"""Whose fault it is that an hour could not be uploaded: the connector is checked to know that."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

import sqlalchemy as sa

from export_pipeline.errors import Conflict, HourFailed
from export_pipeline.pipeline.claiming import BEGINS
from export_pipeline.store.connector_states import ask_for_check
from export_pipeline.store.connectors import StoredConnector, get_connector
from export_pipeline.store.database import reading, writing

# Hours that fail for reasons of their own have the connector checked in vain: not each of very many does.
SECONDS_AFTER_A_VAIN_CHECK = 5.0


class Doubt:
    """A run's doubts about its connector. `check` checks it and notes what comes of that."""

    def __init__(
        self, control: sa.Engine, connector_id: str, check: Callable[[StoredConnector], object]
    ) -> None:
        self._control = control
        self._connector_id = connector_id
        self._check = check
        self._in_vain_at: float | None = None

    def raised_by(self, error: BaseException) -> bool:
        """Whether after that error, in an upload, the connector runs no more.

        A conflict is between writers, and what is no failure of the hour is for others to look into.
        """
        if not isinstance(error, HourFailed) or isinstance(error, Conflict):
            return False
        connector = self._present()
        if connector.state not in BEGINS:
            return True
        if self._in_vain_at is not None and time.monotonic() < self._in_vain_at + SECONDS_AFTER_A_VAIN_CHECK:
            with writing(self._control) as connection:
                ask_for_check(connection, connector.id, now=datetime.now(UTC))
            return False
        self._check(connector)
        if self._present().state not in BEGINS:
            return True
        self._in_vain_at = time.monotonic()
        return False

    def _present(self) -> StoredConnector:
        with reading(self._control) as connection:
            return get_connector(connection, self._connector_id)
