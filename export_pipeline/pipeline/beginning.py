"""What a run begins to write of an hour, noted until the hour is recorded.

A run that is cut off in between leaves the note: the next one knows by it that the object is ours, also where
nobody may look.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

import sqlalchemy as sa

from export_pipeline.connectors.connector import ConnectorConfig
from export_pipeline.connectors.direct_download import DirectDownloadConfig
from export_pipeline.exports.export import Export
from export_pipeline.pipeline.claiming import check_held
from export_pipeline.store.begun_objects import note_begun, withdraw_begun
from export_pipeline.store.database import writing
from export_pipeline.windows import HourWindow

# Receivers may have a secret in their address's query. Whoever reads the control database must not find it by
# trying many: each try takes as many rounds, some 25 ms, and tells of one export alone.
GUESSES_COST = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class BegunObjects:
    """See `Begun`: one run's notes of one hour. Conflict when the hour is another run's by now.

    A note holds for the place where the connector leads: what lies under the same key elsewhere may be
    anybody's.
    """

    control: sa.Engine
    export: Export
    window: HourWindow
    run_id: str
    place: str

    def note(self, key: str) -> bool:
        with writing(self.control) as connection:
            check_held(connection, self.export, self.window, self.run_id)
            return not note_begun(
                connection, self.export.id, self.window.start, self.place, key, now=datetime.now(UTC)
            )

    def withdraw(self, key: str) -> None:
        with writing(self.control) as connection:
            check_held(connection, self.export, self.window, self.run_id)
            withdraw_begun(connection, self.export.id, self.window.start, self.place, key)


def place_of(connector: ConnectorConfig, export_id: str) -> str:
    """What tells where a connector leads from elsewhere, whoever's credentials it shows there; to be compared
    with those of the same export alone.
    """
    # Where downloads wait is told to nobody, so that all of them say the same of it.
    place = connector.store if isinstance(connector, DirectDownloadConfig) else connector
    told = f"{place.address} {place.location}".encode()
    if not urlsplit(place.address).query:
        return hashlib.sha256(told).hexdigest()
    return hashlib.pbkdf2_hmac("sha256", told, export_id.encode(), GUESSES_COST).hex()
