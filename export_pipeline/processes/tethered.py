"""A child process that never outlives us, not even when we are killed with SIGKILL."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from export_pipeline.errors import ExportPipelineError

# Asked politely first: Dagster's daemon finishes its iteration, the webserver its answers.
SECONDS_TO_STOP = 15.0

LINES_OF_LOG_SHOWN = 15

# The guard's standard input is a pipe whose only writer is us: its end is our end. It starts the real
# process in a group of its own and ends that whole group, so that grandchildren go as well, and those that
# do not listen are killed. It takes signals before it has a child: none may hit it in between.
_GUARD = """
import os, signal, subprocess, sys, threading, time
seconds, command = float(sys.argv[1]), sys.argv[2:]
asked = []
signal.signal(signal.SIGTERM, lambda *_: asked.append("by a signal"))
signal.signal(signal.SIGINT, lambda *_: None)
child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
def watch():
    while os.read(0, 4096):
        pass
    asked.append("by the end of the pipe")
def group(number):
    try:
        os.killpg(child.pid, number)
    except OSError:
        return False
    return True
def wait(done, seconds):
    give_up = time.monotonic() + seconds
    while not done() and time.monotonic() < give_up:
        time.sleep(0.05)
threading.Thread(target=watch, daemon=True).start()
wait(lambda: child.poll() is not None or asked, float("inf"))
group(signal.SIGTERM)
wait(lambda: child.poll() is not None, seconds)
wait(lambda: not group(0), min(seconds, 3))  # dead ones that nobody collects count as well
group(signal.SIGKILL)
sys.exit(child.wait())
"""


class Tethered:
    """A running process whose output goes to a log file. As a context manager it is stopped at the end."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path,
        environ: Mapping[str, str],
        seconds_to_stop: float = SECONDS_TO_STOP,
    ) -> None:
        self.name = Path(command[0]).name
        self._log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-S", "-E", "-c", _GUARD, str(seconds_to_stop), *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**environ},
                start_new_session=True,
            )

    def check(self) -> None:
        """Raise with the end of its log if the process has ended."""
        if self._process.poll() is not None:
            lines = self._log.read_text(errors="replace").splitlines()[-LINES_OF_LOG_SHOWN:]
            raise ExportPipelineError(
                f"{self.name} stopped with {self._process.returncode}; the end of {self._log}:\n"
                + "\n".join(lines)
            )

    def stop(self) -> None:
        """Ask it and all that it started to end; what does not within some seconds is killed."""
        assert self._process.stdin is not None
        self._process.stdin.close()  # for the guard as good as our own end
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.stop()
