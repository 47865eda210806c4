"""Children end when we do, however we end, and take along all that they started."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from export_pipeline.errors import ExportPipelineError
from export_pipeline.processes.tethered import LINES_OF_LOG_SHOWN, Tethered

SECONDS = 20

# Writes the ids of itself and of a child of its own into the file that its argument names.
FAMILY = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
with open(sys.argv[1] + ".draft", "w") as file:
    file.write(f"{os.getpid()} {child.pid}")
os.rename(sys.argv[1] + ".draft", sys.argv[1])
"""
PARENT_THAT_STAYS = FAMILY + "time.sleep(600)"
DEAF_PARENT = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + PARENT_THAT_STAYS

# A process that tethers a family and does nothing else; it is the one that is killed.
OWNER = """
import os, sys, time
from pathlib import Path
from export_pipeline.processes.tethered import Tethered
command, folder = [sys.executable, "-c", sys.argv[1], sys.argv[2]], Path(sys.argv[2]).parent
tethered = Tethered(command, log=folder / "log", environ=os.environ, seconds_to_stop=1)
time.sleep(600)
"""


@pytest.fixture
def pids(tmp_path: Path) -> Iterator[Path]:
    """The file of a family's process ids; whatever a test finds out, they are gone afterwards."""
    file = tmp_path / "pids"
    yield file
    if file.exists():
        for pid in map(int, file.read_text().split()):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def started(pids: Path) -> list[int]:
    """The ids of a family, once it is complete."""
    give_up = time.monotonic() + SECONDS
    while not pids.exists():
        assert time.monotonic() < give_up, "it did not start"
        time.sleep(0.02)
    return [int(pid) for pid in pids.read_text().split()]


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def gone(family: list[int]) -> bool:
    """Whether all of them end soon."""
    give_up = time.monotonic() + SECONDS
    while any(map(alive, family)):
        if time.monotonic() > give_up:
            return False
        time.sleep(0.02)
    return True


def ended(family: list[int]) -> bool:
    """Whether the child has ended, which is waited for, and the grandchild does: it is killed, and dies when
    the machine comes to it.
    """
    child, _ = family
    return not alive(child) and gone(family)


def tethered(code: str, folder: Path, *arguments: Path, seconds_to_stop: float = 0.5) -> Tethered:
    return Tethered(
        [sys.executable, "-c", code, *map(str, arguments)],
        log=folder / "log",
        environ=os.environ,
        seconds_to_stop=seconds_to_stop,
    )


def check_once_ended(process: Tethered) -> None:
    give_up = time.monotonic() + SECONDS
    while time.monotonic() < give_up:
        process.check()
        time.sleep(0.02)


@pytest.mark.parametrize("code", [PARENT_THAT_STAYS, DEAF_PARENT], ids=["listening", "deaf"])
def test_child_and_grandchild_die_when_we_are_killed(code: str, pids: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", OWNER, code, str(pids)]) as owner:
        family = started(pids)
        there_meanwhile = all(map(alive, family))
        owner.send_signal(signal.SIGKILL)
        assert there_meanwhile
        assert gone(family)


def test_at_the_end_of_the_block_child_and_grandchild_are_gone(tmp_path: Path, pids: Path) -> None:
    with tethered(PARENT_THAT_STAYS, tmp_path, pids):
        family = started(pids)
        assert all(map(alive, family))
    assert ended(family)


def test_one_that_does_not_listen_is_killed(tmp_path: Path, pids: Path) -> None:
    process = tethered(DEAF_PARENT, tmp_path, pids)
    family = started(pids)
    process.stop()
    assert ended(family)


def test_one_that_listens_is_given_time_to_finish(tmp_path: Path, pids: Path) -> None:
    finishing = """
def finish(*_):
    time.sleep(0.5)
    print("finished", flush=True)
    raise SystemExit
import signal
signal.signal(signal.SIGTERM, finish)
"""
    process = tethered(finishing + PARENT_THAT_STAYS, tmp_path, pids, seconds_to_stop=10)
    started(pids)
    process.stop()
    assert "finished" in (tmp_path / "log").read_text()


def test_a_grandchild_left_behind_by_a_child_that_ends_is_ended(tmp_path: Path, pids: Path) -> None:
    process = tethered(FAMILY, tmp_path, pids)
    assert gone(started(pids))
    process.stop()


def test_stopping_twice_is_no_error(tmp_path: Path, pids: Path) -> None:
    process = tethered(PARENT_THAT_STAYS, tmp_path, pids)
    family = started(pids)
    process.stop()
    process.stop()
    assert gone(family)


def test_ctrl_c_at_the_terminal_does_not_reach_it(tmp_path: Path, pids: Path) -> None:
    """We end it in our own order; a terminal interrupts its whole foreground group."""
    with tethered(PARENT_THAT_STAYS, tmp_path, pids):
        assert all(os.getpgid(pid) != os.getpgid(0) for pid in started(pids))


def test_while_it_runs_there_is_nothing_to_complain_about(tmp_path: Path, pids: Path) -> None:
    with tethered(PARENT_THAT_STAYS, tmp_path, pids) as process:
        started(pids)
        process.check()


def test_one_that_ended_is_told_by_name_and_code_and_the_end_of_its_log(tmp_path: Path) -> None:
    code = "for number in range(100): print('line', number)\nraise SystemExit(7)"
    with tethered(code, tmp_path) as process, pytest.raises(ExportPipelineError) as raised:
        check_once_ended(process)
    first, *lines = str(raised.value).splitlines()
    assert first == f"{Path(sys.executable).name} stopped with 7; the end of {tmp_path / 'log'}:"
    assert lines == [f"line {number}" for number in range(100 - LINES_OF_LOG_SHOWN, 100)]


def test_a_program_that_is_not_there_is_told_by_its_name(tmp_path: Path) -> None:
    missing = Tethered([str(tmp_path / "dagster-nothing")], log=tmp_path / "log", environ=os.environ)
    with (
        missing,
        pytest.raises(ExportPipelineError, match=r"(?s)dagster-nothing stopped with 1.*No such file"),
    ):
        check_once_ended(missing)


def test_it_sees_the_environment_that_it_is_given_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OURS", "not for children")
    code = "import os; print(sorted(name for name in os.environ if name in ('OURS', 'THEIRS')))"
    command = [sys.executable, "-c", code]
    process = Tethered(command, log=tmp_path / "log", environ={"THEIRS": "for them"})
    with process, pytest.raises(ExportPipelineError, match=r"\['THEIRS'\]"):
        check_once_ended(process)


def test_a_log_is_continued_and_not_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("of the run before\n")
    with tethered("print('of this run')", tmp_path) as process, pytest.raises(ExportPipelineError):
        check_once_ended(process)
    assert (tmp_path / "log").read_text().splitlines() == ["of the run before", "of this run"]
