"""Rows between two stages: Arrow IPC files on local disk, written once, read back, then removed."""

import os
import shutil
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from export_pipeline.windows import HourWindow

# A run that is alive holds claims, but for moments; what a dead one staged is read again when it is needed.
# Not at once: two installations may share the folder, and know nothing of each other's claims.
SECONDS_KEPT = 3600


@dataclass(frozen=True, slots=True)
class Staging:
    """A run's own folder below `root`: two runs of the same hour never share a file."""

    root: Path
    run_id: str

    def folder(self, export_id: str, window: HourWindow) -> Path:
        """The folder of one hour's files, made if needed."""
        folder = self._path(export_id, window)
        folder.mkdir(parents=True, exist_ok=True)
        os.utime(self.root / self.run_id)  # a sign of life: a long run's folder is made only once
        return folder

    def drop(self, export_id: str, window: HourWindow) -> None:
        """Remove the files of an hour that failed: nobody comes back for them, and many such hours would fill
        the disk. The folders above stay, in which other hours' threads are making theirs.
        """
        shutil.rmtree(self._path(export_id, window), ignore_errors=True)

    def drop_all(self) -> None:
        """Remove all that the run staged: nobody goes on with it."""
        shutil.rmtree(self.root / self.run_id, ignore_errors=True)

    def _path(self, export_id: str, window: HourWindow) -> Path:
        return self.root / self.run_id / export_id / f"{window.start:%Y-%m-%d-%H}"

    def sweep(self, alive: Collection[str]) -> None:
        """Remove what runs left behind that died some time ago. `alive` are runs that hold claims."""
        for folder in self.left_behind(alive):
            shutil.rmtree(folder, ignore_errors=True)

    def left_behind(self, alive: Collection[str]) -> Iterator[Path]:
        """The folders of the runs that `sweep` removes."""
        if not self.root.is_dir():
            return
        for folder in self.root.iterdir():
            with suppress(FileNotFoundError):  # its run has just removed it
                if folder.name == self.run_id or folder.name in alive:
                    continue
                if folder.stat().st_mtime < time.time() - SECONDS_KEPT:
                    yield folder


def discard(folder: Path) -> None:
    """Remove an hour's files, and the folders above that are empty now."""
    shutil.rmtree(folder, ignore_errors=True)
    for parent in (folder.parent, folder.parent.parent):
        try:
            parent.rmdir()
        except OSError:
            return


def write_rows(path: Path, batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> int:
    """Write all batches to `path`; returns the number of rows."""
    rows = 0
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
            rows += batch.num_rows
    return rows


def schema_of(path: Path) -> pa.Schema:
    """The schema of a staged file."""
    with read_rows(path) as (schema, _):
        return schema


@contextmanager
def read_rows(path: Path) -> Iterator[tuple[pa.Schema, Iterator[pa.RecordBatch]]]:
    """The schema and the batches of a staged file, one batch at a time.

    Read, not memory-mapped: pages of a mapped file count as the process's memory, whose size would follow
    the hour's, and which is what an operator sees and a container's limit looks at.
    """
    with pa.OSFile(str(path), "rb") as source, pa.ipc.open_file(source) as reader:
        yield reader.schema, (reader.get_batch(i) for i in range(reader.num_record_batches))
