"""A run killed with SIGKILL at any moment, and another one after it: the end is always the same."""

import os
import signal
import subprocess
import sys

import pytest

from export_pipeline.receipts.verifying import verify
from export_pipeline.store.database import reading
from export_pipeline.store.exports import find_export
from export_pipeline_tests.installations import Installation, hours
from export_pipeline_tests.pipeline.killed import MOMENTS
from export_pipeline_tests.runs import deliver, ledger


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_run_after_a_killed_one_ends_as_if_nothing_had_happened(
    installation: Installation, moment: str
) -> None:
    export = installation.export()
    untouched = installation.export("untouched")
    killed = subprocess.run(
        [
            sys.executable,
            "-m",
            "export_pipeline_tests.pipeline.killed",
            installation.folder,
            "events",
            moment,
        ],
        env={**os.environ, **installation.variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr

    deliver(installation, export, hours(0, 1))
    deliver(installation, untouched, hours(0, 1))

    assert [(entry.revision, entry.rows) for entry in ledger(installation, export)] == [(1, 20), (1, 20)]
    destination = installation.deployment.connector(export.connector_id).open()
    for entry in ledger(installation, export):
        assert not verify(destination, entry.receipt_key).problems
    for hour in ("00", "01"):
        name = f"2026-01-05-{hour}-00.csv"
        written = (installation.downloads / "events" / name).read_bytes()
        assert written == (installation.downloads / "untouched" / name).read_bytes()
    with reading(installation.deployment.control) as connection:
        assert find_export(connection, "default", "events") == export
