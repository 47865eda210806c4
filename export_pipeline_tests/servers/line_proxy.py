"""A proxy below any protocol: it passes bytes on, and breaks off after so many that came back.

As a network does it: by hanging up, or without a word.
"""

import enum
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

PIECE = 65_536


class Breaking(enum.Enum):
    """How a line breaks off."""

    HANGS_UP = enum.auto()
    FALLS_SILENT = enum.auto()  # both sides believe that it is there


class LineProxy:
    """Passes lines on to `upstream_port`; `came_back` counts the bytes of all that the server sent."""

    def __init__(self, upstream_port: int) -> None:
        self._upstream_port = upstream_port
        self._limit: int | None = None
        self._breaking = Breaking.HANGS_UP
        self._lock = threading.Lock()
        self._ends: list[socket.socket] = []
        self._silent: list[threading.Event] = []
        self._closing = threading.Event()
        self.came_back = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    def break_after(self, limit: int | None, breaking: Breaking) -> None:
        """Count from now on, and break what then passes the limit off; None: never."""
        with self._lock:
            self.came_back, self._limit, self._breaking = 0, limit, breaking

    def silence(self) -> None:
        """The lines that there are fall silent. New ones are passed on."""
        for silent in self._silent:
            silent.set()

    def close(self) -> None:
        self._closing.set()
        for end in (self._listener, *self._ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        for end in (self._listener, *self._ends):
            end.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._upstream_port))
            except OSError:
                return
            self._ends += [client, server]
            silent = threading.Event()
            self._silent.append(silent)
            for source, target, back in ((client, server, False), (server, client, True)):
                thread = threading.Thread(
                    target=self._pass_on, args=(source, target, back, silent), daemon=True
                )
                self._threads.append(thread)
                thread.start()

    def _pass_on(
        self, source: socket.socket, target: socket.socket, back: bool, silent: threading.Event
    ) -> None:
        with suppress(OSError):
            while piece := source.recv(PIECE):
                allowed = self._allowed(len(piece)) if back else len(piece)
                if silent.is_set():
                    self._closing.wait()
                target.sendall(piece[:allowed])
                if allowed < len(piece):
                    if self._breaking is Breaking.HANGS_UP:
                        break
                    silent.set()
                    self._closing.wait()
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _allowed(self, size: int) -> int:
        with self._lock:
            allowed = size if self._limit is None else max(0, min(size, self._limit - self.came_back))
            self.came_back += size
        return allowed


@contextmanager
def line_proxy(upstream_port: int) -> Iterator[LineProxy]:
    """A proxy for the length of a block."""
    proxy = LineProxy(upstream_port)
    try:
        yield proxy
    finally:
        proxy.close()
