"""The same program in several real processes, let go at the same moment."""

import subprocess
import sys
from collections.abc import Sequence

SECONDS = 60


def start_together(program: str, *arguments: str, processes: int = 4) -> Sequence[str]:
    """What each process printed, in any order; they run `program` with `arguments` as `sys.argv[1:]`.

    The program does its imports and calls `ready()`, which returns when every process has got there.
    """
    started = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", READY + program, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(processes)
    ]
    try:
        for process in started:
            assert process.stdout is not None
            line = process.stdout.readline()
            if line != "ready\n":
                raise AssertionError(f"a process did not start: {process.communicate(timeout=SECONDS)[1]}")
        for process in started:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        ended = [process.communicate(timeout=SECONDS) for process in started]
    finally:
        for process in started:
            process.kill()
            process.wait()
    for process, (_, complaints) in zip(started, ended, strict=True):
        assert process.returncode == 0, complaints
    return [said for said, _ in ended]


READY = """
import sys

def ready():
    print("ready", flush=True)
    sys.stdin.readline()

"""
