"""A process that is killed in the middle of an upload in parts: run as `python -m`.

Arguments: the installation's folder, the export.
"""

import os
import signal
import sys

from export_pipeline.deployment import open_deployment
from export_pipeline.settings import Settings
from export_pipeline.store.database import reading
from export_pipeline.store.exports import find_export

# More than a part, so that the store has some of it.
CONTENT = bytes(9 << 20)


def main(slug: str) -> None:
    deployment = open_deployment(Settings(), os.environ)
    with reading(deployment.control) as connection:
        export = find_export(connection, "default", slug)
    upload = deployment.connector(export.connector_id).open().begin("events/2026-01-05-00-00.csv", {})
    upload.write(CONTENT)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[2])
