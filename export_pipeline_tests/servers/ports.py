"""Free TCP ports on 127.0.0.1."""

import random
import socket
from contextlib import ExitStack

# Below the ports that the operating system hands out for outgoing connections on most machines, as far
# as that is possible: a port found free here should still be free when the server binds it.
FIRST, LAST = 20_000, 32_000


def free_port() -> int:
    """A port that nobody listens on."""
    (port,) = free_ports(1, twin=0)
    return port


def free_ports(n: int, twin: int = 10_000) -> list[int]:
    """`n` different ports that nobody listens on; nobody listens on `port + twin` either.

    Some servers open a second port at a fixed distance; `twin=0` asks for no such port.
    """
    found: list[int] = []
    with ExitStack() as held:
        while len(found) < n:
            port = random.randrange(FIRST, LAST)
            try:
                for wanted in {port, port + twin}:
                    taken = held.enter_context(socket.socket())
                    taken.bind(("127.0.0.1", wanted))
            except OSError:
                continue
            found.append(port)
    return found
