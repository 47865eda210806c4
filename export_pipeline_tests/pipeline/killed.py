"""A process that delivers two hours, as the export has them, and is killed at the named moment: `python -m`.

Arguments: the installation's folder, the export, the moment. Nothing in the product knows of it; it calls
the stages itself.
"""

import os
import signal
import sys
from pathlib import Path

from export_pipeline.deployment import open_deployment
from export_pipeline.exports.naming import object_key
from export_pipeline.exports.plan import plan_of
from export_pipeline.extract.sources import open_source
from export_pipeline.pipeline.beginning import BegunObjects
from export_pipeline.pipeline.claiming import Claims
from export_pipeline.pipeline.delivering import deliver_hour
from export_pipeline.pipeline.placing import FileContent, place
from export_pipeline.settings import Settings
from export_pipeline.store.database import reading
from export_pipeline.store.exports import find_export
from export_pipeline.windows import ONE_HOUR
from export_pipeline_tests.installations import FIRST, Installation
from export_pipeline_tests.runs import a_run

MOMENTS = ("claimed", "extracted", "formatted", "half uploaded", "files placed", "receipt written")


def _unwatched(done: int, total: int = 0) -> None:
    """Progress nobody looks at."""


def _still_ours() -> None:
    """It is: nobody else is at work."""


def main(folder: Path, slug: str, moment: str) -> None:
    def die_at(reached: str) -> None:
        if reached == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    deployment = open_deployment(Settings(), os.environ)
    with reading(deployment.control) as connection:
        export = find_export(connection, "default", slug)
    run = a_run(Installation(folder, deployment), export)
    claims = Claims(deployment.control, run.run_id, run.lease, run.stop)
    windows = export.definition.layout.windows(FIRST, FIRST + 2 * ONE_HOUR)
    for window in windows:
        claims.take(export, window, proven_since=None)
    die_at("claimed")
    staged = run.extract(
        open_source(deployment.source_url), plan_of(export.definition, deployment.dataset), windows
    )
    die_at("extracted")
    formatted = run.format(staged)
    die_at("formatted")
    destination = deployment.connector(export.connector_id).open()
    for hour in formatted.done:
        (file,) = hour.files
        key = object_key(export.definition.path, export.key_context(file.table, hour.window))
        content = FileContent(file.path, file.bytes, file.sha256)
        if moment == "half uploaded":
            upload = destination.begin(key, {})
            upload.write(next(content.pieces())[:100])
            die_at("half uploaded")
        place(destination, key, content, export.identity, still_ours=_still_ours, after_piece=_unwatched)
    die_at("files placed")
    for hour in formatted.done:
        deliver_hour(
            hour,
            export,
            destination,
            [],
            still_ours=_still_ours,
            before_change=_still_ours,
            where="",
            begun=BegunObjects(
                control=deployment.control,
                export=export,
                window=hour.window,
                run_id=run.run_id,
                place="",
            ),
            progress=_unwatched,
        )
    die_at("receipt written")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
