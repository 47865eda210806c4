"""Servers of tests die with the tests."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from export_pipeline_tests.servers.tether import spawn, stop

RUN_THAT_STARTS_A_SERVER = """
import sys, time
from export_pipeline_tests.servers.tether import spawn
server = spawn([sys.executable, "-c", "import os, time; print(os.getpid(), flush=True); time.sleep(60)"])
time.sleep(60)
"""


def gone(pid: int, *, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


def test_a_server_dies_when_the_run_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", RUN_THAT_STARTS_A_SERVER], stdout=subprocess.PIPE) as run:
        assert run.stdout is not None
        server = int(run.stdout.readline())
        there_meanwhile = psutil.pid_exists(server)
        os.kill(run.pid, signal.SIGKILL)

        assert there_meanwhile
        assert gone(server)


def test_a_server_that_is_stopped_is_gone() -> None:
    code = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    guard = spawn([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert guard.stdout is not None
    server = int(guard.stdout.readline())

    stop(guard)

    assert gone(server)


def test_exit_codes_come_through() -> None:
    guard = spawn([sys.executable, "-c", "raise SystemExit(7)"])

    assert guard.wait(30) == 7
    assert stop(guard) == 7


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_reach_the_server(number: signal.Signals, tmp_path: Path) -> None:
    code = f"""
import signal, sys, time
def leave(received, _):
    sys.exit(40 + received)
signal.signal({int(number)}, leave)
print("ready", flush=True)
time.sleep(60)
"""
    guard = spawn([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=tmp_path)
    assert guard.stdout is not None
    guard.stdout.readline()

    guard.send_signal(number)

    assert stop_without_killing(guard) == 40 + number


def stop_without_killing(guard: subprocess.Popen[bytes]) -> int:
    code = guard.wait(30)
    stop(guard)
    return code


@pytest.mark.skipif(os.geteuid() != 0, reason="only the superuser may run a server as somebody else")
def test_a_server_may_run_as_somebody_else() -> None:
    guard = spawn(["id", "-u"], stdout=subprocess.PIPE, cwd="/", user=65534, group=65534, extra_groups=[])
    assert guard.stdout is not None

    assert guard.stdout.read() == b"65534\n"
    stop(guard)
