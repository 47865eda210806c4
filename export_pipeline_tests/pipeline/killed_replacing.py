"""A process that delivers the first hour again, by force, and is killed after its nth object: `python -m`.

Arguments: the installation's folder, the export, n. It runs the stages as the product does; only the
destination is one that kills whoever commits to it.
"""

import os
import signal
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from export_pipeline.connectors.destination import Destination, Proof, StoredObject, Upload, Version
from export_pipeline.deployment import open_deployment
from export_pipeline.exports.plan import plan_of
from export_pipeline.extract.sources import open_source
from export_pipeline.settings import Settings
from export_pipeline.store.database import reading
from export_pipeline.store.exports import find_export
from export_pipeline.windows import ONE_HOUR
from export_pipeline_tests.installations import FIRST, Installation
from export_pipeline_tests.runs import a_run


@dataclass
class DeadlyUpload:
    upload: Upload
    destination: "DeadlyDestination"

    @property
    def proof(self) -> Proof:
        return self.upload.proof

    def write(self, data: bytes) -> None:
        self.upload.write(data)

    def begin_parts(self) -> bool:
        return self.upload.begin_parts()

    def commit(self, *, replaces: Version | None) -> Version:
        version = self.upload.commit(replaces=replaces)
        self.destination.commits_left -= 1
        if not self.destination.commits_left:
            os.kill(os.getpid(), signal.SIGKILL)
        return version

    def abort(self) -> None:
        self.upload.abort()


@dataclass
class DeadlyDestination:
    """Another destination that lets so many commits happen, and is the end of whoever made the last."""

    destination: Destination
    commits_left: int

    def begin(self, key: str, metadata: Mapping[str, str]) -> Upload:
        return DeadlyUpload(self.destination.begin(key, metadata), self)

    def head(self, key: str) -> StoredObject | None:
        return self.destination.head(key)

    def get(self, key: str) -> Iterator[bytes]:
        return self.destination.get(key)

    def list(self, prefix: str) -> Iterator[StoredObject]:
        return self.destination.list(prefix)

    def delete(self, key: str) -> None:
        self.destination.delete(key)


@dataclass
class DeadlyConnector:
    connector: Any
    commits: int
    row_limit: int | None = None

    @property
    def location(self) -> str:
        return str(self.connector.location)

    @property
    def address(self) -> str:
        return str(self.connector.address)

    def open(self) -> Destination:
        return DeadlyDestination(self.connector.open(), self.commits)


def main(folder: Path, slug: str, commits: int) -> None:
    deployment = open_deployment(Settings(), os.environ)
    with reading(deployment.control) as connection:
        export = find_export(connection, "default", slug)
    run = a_run(Installation(folder, deployment), export, proven_since=datetime.now(UTC))
    deadly: Any = DeadlyConnector(run.connector, commits)
    run = replace(run, connector=deadly)
    source = open_source(deployment.source_url)
    windows = export.definition.layout.windows(FIRST, FIRST + ONE_HOUR)
    staged = run.extract(source, plan_of(export.definition, deployment.dataset), windows)
    run.deliver(run.format(staged), lambda _hour: None)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
