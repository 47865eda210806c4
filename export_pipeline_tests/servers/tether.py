"""Starts a server that dies with us, even when we are killed without a chance to say goodbye."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# The guard's standard input is a pipe whose only writer is our process, so its end is our end. A pipe and
# not a parent-death signal, because macOS has none.
GUARD = """
import json, os, signal, subprocess, sys, threading
server = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL, **json.loads(sys.argv[1]))
def kill_when_the_pipe_ends():
    while os.read(0, 4096):
        pass
    server.kill()
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, lambda received, _: server.send_signal(received))
threading.Thread(target=kill_when_the_pipe_ends, daemon=True).start()
sys.exit(server.wait())
"""

# Whom the server runs as. The guard itself stays who we are: another user may not even be allowed to read
# our interpreter, and the guard must be allowed to kill the server.
IDENTITY = ("user", "group", "extra_groups", "umask")


def spawn(cmd: Sequence[str | Path], **popen_kwargs: Any) -> subprocess.Popen[bytes]:
    """Start `cmd` under a guard; the process returned is the guard.

    SIGTERM and SIGINT reach the server, its exit code comes through, and the end of the guard's standard
    input (`stop`, or our own end) kills the server. `popen_kwargs` are those of Popen but for `stdin`;
    `user`, `group`, `extra_groups` and `umask` concern the server alone.
    """
    identity = {name: popen_kwargs.pop(name) for name in IDENTITY if name in popen_kwargs}
    return subprocess.Popen(
        [sys.executable, "-S", "-E", "-c", GUARD, json.dumps(identity), *map(str, cmd)],
        stdin=subprocess.PIPE,
        start_new_session=True,
        **popen_kwargs,
    )


def stop(server: subprocess.Popen[bytes], *, seconds: float = 10) -> int:
    """Kill what `spawn` started, at once, and give its exit code. Harmless when it has ended already."""
    if server.stdin is not None:
        server.stdin.close()
    code = server.wait(seconds)
    for stream in (server.stdout, server.stderr):
        if stream is not None:
            stream.close()
    return code
