"""Files being written: the dead's are swept, the living's are not."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from export_pipeline.connectors.incoming import Incoming, sync_file, sync_folder

WRITE_AND_WAIT = """
import sys
from pathlib import Path
from export_pipeline.connectors.incoming import Incoming
path, file = Incoming(Path(sys.argv[1])).create()
print(path, flush=True)
sys.stdin.read()
"""


def test_a_living_writers_file_stays(tmp_path: Path) -> None:
    incoming = Incoming(tmp_path)
    path, file = incoming.create()

    with file:
        incoming.sweep()

        assert path.exists()


def test_a_killed_writers_file_is_swept_and_not_before(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITE_AND_WAIT, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        path = Path(writer.stdout.readline().strip())
        Incoming(tmp_path).sweep()
        there_while_alive = path.exists()
        os.kill(writer.pid, signal.SIGKILL)

    Incoming(tmp_path).sweep()

    assert there_while_alive
    assert not path.exists()


def test_there_may_be_nothing_to_sweep(tmp_path: Path) -> None:
    Incoming(tmp_path / "never used").sweep()

    assert list(tmp_path.iterdir()) == []


def test_files_have_different_names(tmp_path: Path) -> None:
    incoming = Incoming(tmp_path)
    made = [incoming.create() for _ in range(20)]

    for _, file in made:
        file.close()

    assert len({path for path, _ in made}) == 20


def test_what_is_synced_is_on_the_disk(tmp_path: Path) -> None:
    path, file = Incoming(tmp_path).create()

    with file:
        file.write(b"some")
        sync_file(file)
        sync_folder(tmp_path)

        assert path.read_bytes() == b"some"
