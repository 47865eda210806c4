"""Rows on disk between two stages, and who may remove them."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from export_pipeline.extract.schema import arrow_schema
from export_pipeline.pipeline.staging import SECONDS_KEPT, Staging, discard, read_rows, write_rows
from export_pipeline_tests.builders import a_column, an_hour

SCHEMA = arrow_schema((a_column("id", "int64", nullable=False), a_column("kind")))


def batches(*sizes: int) -> Iterator[pa.RecordBatch]:
    for size in sizes:
        yield pa.record_batch([pa.array(range(size), pa.int64()), pa.nulls(size, pa.string())], schema=SCHEMA)


def aged(folder: Path, seconds: float) -> Path:
    then = time.time() - seconds
    os.utime(folder, (then, then))
    return folder


def test_two_runs_of_the_same_hour_never_share_a_folder(tmp_path: Path) -> None:
    one, other = (Staging(tmp_path, run).folder("export-1", an_hour()) for run in ("run-1", "run-2"))
    assert one != other
    assert one.is_dir()
    assert other.is_dir()


def test_two_hours_and_two_exports_never_share_a_folder(tmp_path: Path) -> None:
    staging = Staging(tmp_path, "run-1")
    folders = {staging.folder(export, an_hour(n)) for export in ("export-1", "export-2") for n in (0, 1, 24)}
    assert len(folders) == 6


def test_asked_for_twice_it_is_the_same_folder_with_what_lies_in_it(tmp_path: Path) -> None:
    staging = Staging(tmp_path, "run-1")
    (staging.folder("export-1", an_hour()) / "flights.arrow").write_bytes(b"rows")
    assert (staging.folder("export-1", an_hour()) / "flights.arrow").read_bytes() == b"rows"


def test_a_sweep_removes_what_was_left_some_days_ago(tmp_path: Path) -> None:
    Staging(tmp_path, "run-1").folder("export-1", an_hour())
    aged(tmp_path / "run-1", SECONDS_KEPT + 60)
    Staging(tmp_path, "run-2").sweep(())
    assert not (tmp_path / "run-1").exists()


def test_a_sweep_never_touches_another_runs_fresh_folder(tmp_path: Path) -> None:
    folder = Staging(tmp_path, "run-1").folder("export-1", an_hour())
    aged(tmp_path / "run-1", SECONDS_KEPT - 60)
    Staging(tmp_path, "run-2").sweep(())
    assert folder.is_dir()


def test_a_run_that_stages_hour_after_hour_keeps_its_folder_fresh(tmp_path: Path) -> None:
    """The hour that failed on the first day keeps the folder from being made anew."""
    staging = Staging(tmp_path, "run-1")
    failed = staging.folder("export-1", an_hour())
    aged(tmp_path / "run-1", SECONDS_KEPT + 60)
    discard(staging.folder("export-1", an_hour(1)))
    Staging(tmp_path, "run-2").sweep(())
    assert failed.is_dir()


def test_dropping_an_hour_leaves_its_neighbours_and_the_folders_above(tmp_path: Path) -> None:
    staging = Staging(tmp_path, "run-1")
    dropped, kept = (staging.folder("export-1", an_hour(n)) for n in (0, 1))
    (dropped / "flights.arrow").write_bytes(b"rows")
    staging.drop("export-1", an_hour())
    staging.drop("export-2", an_hour())  # of which nothing was staged
    assert (dropped.exists(), kept.is_dir()) == (False, True)
    discard(kept)
    staging.folder("export-1", an_hour(1))
    staging.drop("export-1", an_hour(1))
    assert kept.parent.is_dir()


def test_a_run_may_drop_all_that_it_staged_and_nothing_of_others(tmp_path: Path) -> None:
    ours, theirs = (Staging(tmp_path, run).folder("export-1", an_hour()) for run in ("run-1", "run-2"))
    Staging(tmp_path, "run-1").drop_all()
    Staging(tmp_path, "run-3").drop_all()  # which staged nothing
    assert (ours.exists(), theirs.exists()) == (False, True)


def test_a_sweep_gets_past_a_folder_that_vanishes_meanwhile(tmp_path: Path) -> None:
    (tmp_path / "vanished").symlink_to("nowhere")
    Staging(tmp_path, "run-1").folder("export-1", an_hour())
    aged(tmp_path / "run-1", SECONDS_KEPT + 60)
    Staging(tmp_path, "run-2").sweep(())
    assert not (tmp_path / "run-1").exists()


def test_a_sweep_never_touches_its_own_run_however_old(tmp_path: Path) -> None:
    staging = Staging(tmp_path, "run-1")
    folder = staging.folder("export-1", an_hour())
    aged(tmp_path / "run-1", SECONDS_KEPT + 60)
    staging.sweep(())
    assert folder.is_dir()


def test_a_sweep_never_touches_a_run_that_is_alive(tmp_path: Path) -> None:
    folder = Staging(tmp_path, "run-1").folder("export-1", an_hour())
    aged(tmp_path / "run-1", SECONDS_KEPT + 60)
    Staging(tmp_path, "run-2").sweep({"run-1"})
    assert folder.is_dir()


def test_a_sweep_before_anything_was_staged_is_no_error(tmp_path: Path) -> None:
    Staging(tmp_path / "staging", "run-1").sweep(())
    assert not (tmp_path / "staging").exists()


def test_a_discarded_hour_leaves_its_neighbours(tmp_path: Path) -> None:
    staging = Staging(tmp_path, "run-1")
    done, neighbour = staging.folder("export-1", an_hour(0)), staging.folder("export-1", an_hour(1))
    (done / "flights.arrow").write_bytes(b"rows")
    discard(done)
    assert not done.exists()
    assert neighbour.is_dir()


def test_the_last_discarded_hour_takes_the_empty_folders_above_along(tmp_path: Path) -> None:
    root = tmp_path / "staging"
    discard(Staging(root, "run-1").folder("export-1", an_hour()))
    assert [*root.iterdir()] == []


def test_a_discarded_hour_leaves_another_export_of_the_run(tmp_path: Path) -> None:
    staging = Staging(tmp_path, "run-1")
    other = staging.folder("export-2", an_hour())
    discard(staging.folder("export-1", an_hour()))
    assert other.is_dir()


def test_discarding_twice_is_no_error(tmp_path: Path) -> None:
    folder = Staging(tmp_path, "run-1").folder("export-1", an_hour())
    discard(folder)
    discard(folder)
    assert not folder.exists()


def test_rows_are_read_back_batch_by_batch_as_they_were_written(tmp_path: Path) -> None:
    written = [*batches(3, 0, 5)]
    write_rows(tmp_path / "rows.arrow", iter(written), SCHEMA)
    with read_rows(tmp_path / "rows.arrow") as (schema, found):
        assert [*found] == written
    assert schema == SCHEMA


def test_writing_says_how_many_rows_it_wrote(tmp_path: Path) -> None:
    assert write_rows(tmp_path / "rows.arrow", batches(3, 0, 5), SCHEMA) == 8


def test_no_rows_are_a_file_with_a_schema(tmp_path: Path) -> None:
    assert write_rows(tmp_path / "rows.arrow", batches(), SCHEMA) == 0
    with read_rows(tmp_path / "rows.arrow") as (schema, found):
        assert (schema, [*found]) == (SCHEMA, [])


def test_a_file_whose_writer_died_is_not_taken_for_a_whole_one(tmp_path: Path) -> None:
    path = tmp_path / "rows.arrow"
    write_rows(path, batches(100, 100), SCHEMA)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(pa.ArrowInvalid), read_rows(path):
        pass
