"""A run killed with SIGKILL at any moment of an expiry, and others after it: the end is always the same."""

import os
import signal
import subprocess
import sys
import time

import pytest

from export_pipeline.receipts.verifying import verify
from export_pipeline_tests.installations import Installation, hours
from export_pipeline_tests.retention.conftest import files, receipts, retained
from export_pipeline_tests.runs import deliver, ledger

SECONDS_FOR_A_CLAIM_TO_LAPSE = 60  # it lasts five


def killed(installation: Installation, deletions: int) -> None:
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "export_pipeline_tests.retention.killed_removing"),
            *(str(installation.folder), "events", str(deletions)),
        ],
        env={**os.environ, **installation.variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr


@pytest.mark.parametrize("deletions", [0, 1, 3])
def test_the_next_run_deletes_what_a_killed_one_has_left(installation: Installation, deletions: int) -> None:
    export, others = installation.export(), installation.export("others")
    deliver(installation, export, hours(0, 2))
    deliver(installation, others, hours(0, 2))
    killed(installation, deletions)

    assert len(files(installation)) == 3 - deletions
    assert [bool(entry.expired_at) for entry in ledger(installation, export)] == [True] * 3
    give_up = time.monotonic() + SECONDS_FOR_A_CLAIM_TO_LAPSE
    # No setting says that anything expires now: what is marked is deleted all the same.
    while retained(installation).exports:
        assert time.monotonic() < give_up
        time.sleep(0.2)

    assert files(installation) == []
    assert (receipts(installation), len(files(installation, "others"))) == (3, 3)
    assert all(entry.removed_at for entry in ledger(installation, export))
    assert not retained(installation).problems


@pytest.mark.parametrize("deletions", [0, 1, 3])
def test_what_is_delivered_anew_before_the_next_run_stays(installation: Installation, deletions: int) -> None:
    export = installation.export()
    deliver(installation, export, hours(0, 2))
    before = {entry.hour: entry.receipt for entry in ledger(installation, export)}
    killed(installation, deletions)

    delivered = deliver(installation, export, hours(0, 1))  # it waits for claims that nobody keeps alive
    assert not delivered.failed
    give_up = time.monotonic() + SECONDS_FOR_A_CLAIM_TO_LAPSE
    while retained(installation).exports:
        assert time.monotonic() < give_up
        time.sleep(0.2)

    assert files(installation) == ["2026-01-05-00-00.csv", "2026-01-05-01-00.csv"]
    entries = ledger(installation, export)
    assert [entry.expired_at is None for entry in entries] == [True, True, False]
    assert {entry.hour: entry.receipt for entry in entries} == before  # the same revisions
    destination = installation.deployment.connector(export.connector_id).open()
    assert all(verify(destination, entry.receipt_key).ok for entry in entries[:2])
