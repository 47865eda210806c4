"""Commands as processes of their own: with pipes, or in a terminal as a person has one."""

import os
import pty
import select
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence

# Becomes the command, which Ctrl-C interrupts: who starts tests in the background has that ignored.
INTERRUPTIBLE = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])
"""
COMMAND = [sys.executable, "-c", INTERRUPTIBLE, sys.executable, "-m", "export_pipeline.cli"]

# Makes its standard input the terminal that Ctrl-C reaches it through, and becomes the command.
AT_THE_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
SECONDS = 60
SECONDS_BEFORE_TYPING_AGAIN = 1.0


def started(
    arguments: Sequence[str], environ: Mapping[str, str], *, stdout: int = subprocess.PIPE
) -> "subprocess.Popen[str]":
    """The command, running."""
    return subprocess.Popen(
        [*COMMAND, *arguments],
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(arguments: Sequence[str], environ: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    """The command, ended."""
    with started(arguments, environ) as process:
        out, err = process.communicate(timeout=SECONDS)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def run_in_a_terminal(
    arguments: Sequence[str], environ: Mapping[str, str], *, answer: str = "", to: str = ""
) -> tuple[int, str]:
    """The exit code and all that appeared on the screen; `answer` is typed when `to` has appeared.

    It is typed again while nothing comes of it, as a person would: Ctrl-C in the moment between the question
    and the reading of its answer does not interrupt the reading.
    """
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", AT_THE_TERMINAL, *COMMAND, *arguments],
        env={**environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "40"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    screen, asked = b"", False
    give_up = time.monotonic() + SECONDS
    try:
        while time.monotonic() < give_up:
            if not select.select([ours], [], [], SECONDS_BEFORE_TYPING_AGAIN)[0]:
                if asked:
                    os.write(ours, answer.encode())
                continue
            try:
                piece = os.read(ours, 4096)
            except OSError:  # so a terminal says that its program has ended
                break
            if not piece:
                break
            screen += piece
            if answer and not asked and to.encode() in screen:
                os.write(ours, answer.encode())
                asked = True
        return process.wait(timeout=SECONDS), screen.decode()
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def converse(
    arguments: Sequence[str], environ: Mapping[str, str], answers: Sequence[tuple[str, str]]
) -> tuple[int, str]:
    """The exit code and all that appeared on the screen, where each question is answered once, in order.

    What hides its input throws away what was typed before the terminal is quiet: so that is waited for.
    """
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", AT_THE_TERMINAL, *COMMAND, *arguments],
        env={**environ, "TERM": "xterm", "COLUMNS": "200", "LINES": "40"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    screen, read, left = b"", 0, list(answers)
    give_up = time.monotonic() + SECONDS
    try:
        while time.monotonic() < give_up:
            if not select.select([ours], [], [], SECONDS_BEFORE_TYPING_AGAIN)[0]:
                continue
            try:
                piece = os.read(ours, 4096)
            except OSError:  # so a terminal says that its program has ended
                break
            if not piece:
                break
            screen += piece
            if left and left[0][0].encode() in screen[read:] and screen.rstrip(b" ").endswith(b":"):
                hidden = b"[not shown" in screen[read:]
                while hidden and termios.tcgetattr(ours)[3] & termios.ECHO and time.monotonic() < give_up:
                    time.sleep(0.01)
                read = len(screen)
                os.write(ours, f"{left.pop(0)[1]}\n".encode())
        return process.wait(timeout=SECONDS), screen.decode()
    finally:
        process.kill()
        process.wait()
        os.close(ours)
