"""A process that lets go of files a year from now, and is killed after it deleted n of them: `python -m`.

Arguments: the installation's folder, the export, n. It takes the steps as the product does; only the
destination is one that kills whoever deletes there.
"""

import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from export_pipeline.connectors.destination import Destination, StoredObject, Upload
from export_pipeline.deployment import open_deployment
from export_pipeline.pipeline.beginning import place_of
from export_pipeline.pipeline.claiming import Claims
from export_pipeline.retention.expiring import expire
from export_pipeline.retention.removing import Remover
from export_pipeline.settings import Settings
from export_pipeline.store.database import reading
from export_pipeline.store.expiry import Deadlines, kept_exports


@dataclass
class DeadlyDestination:
    """Another destination that lets so many objects be deleted, and kills whoever deletes the last."""

    destination: Destination
    deletions_left: int

    def begin(self, key: str, metadata: Mapping[str, str]) -> Upload:
        return self.destination.begin(key, metadata)

    def head(self, key: str) -> StoredObject | None:
        return self.destination.head(key)

    def get(self, key: str) -> Iterator[bytes]:
        return self.destination.get(key)

    def list(self, prefix: str) -> Iterator[StoredObject]:
        return self.destination.list(prefix)

    def delete(self, key: str) -> None:
        self.destination.delete(key)
        self.deletions_left -= 1
        if not self.deletions_left:
            die()


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main(_folder: Path, slug: str, deletions: int) -> None:
    deployment = open_deployment(Settings(), os.environ)
    now = datetime.now(UTC) + timedelta(days=365)
    deadlines = Deadlines(found=now - timedelta(days=7), deleted=now)
    with reading(deployment.control) as connection:
        (export,) = [one for one in kept_exports(connection, deadlines) if one.slug == slug]
    config = deployment.direct_download(export.organization, export.connector_id, export.connector)
    expire(deployment.control, export, deadlines, place_of(config, export.id), now)
    if not deletions:
        die()
    claims = Claims(deployment.control, "retention-killed", deployment.claim_lease, threading.Event())
    Remover(claims, export, DeadlyDestination(config.open(), deletions), at_once=1).remove()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
