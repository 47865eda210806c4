"""Services that are asked for records, on 127.0.0.1: some answer as they should, others do anything else."""

import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

# What a service does with a connection whose request it has read; it is closed afterwards.
Behaviour = Callable[[socket.socket, "Service", str], None]


@dataclass(slots=True)
class Service:
    """A service that runs. `asked` are the targets of all requests, in the order in which they came."""

    port: int
    behaviour: Behaviour
    asked: list[str] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)
    at_once: int = 0
    most_at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def service(behaviour: Behaviour) -> Iterator[Service]:
    """A service that does that with everybody."""
    threads: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0), backlog=128) as server:
        running = Service(server.getsockname()[1], behaviour)

        def accept() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                thread = threading.Thread(target=_serve, args=(connection, running), daemon=True)
                threads.append(thread)
                thread.start()

        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        try:
            yield running
        finally:
            running.ended.set()
            server.shutdown(socket.SHUT_RDWR)
    accepting.join()
    for thread in threads:
        thread.join()


def _serve(connection: socket.socket, running: Service) -> None:
    with connection, suppress(OSError):
        connection.settimeout(30)
        head = b""
        while b"\r\n\r\n" not in head:
            piece = connection.recv(65536)
            if not piece:
                return
            head += piece
        target = head.split(b" ", 2)[1].decode()
        with running.lock:
            running.asked.append(target)
            running.heads.append(head.decode())
            running.at_once += 1
            running.most_at_once = max(running.most_at_once, running.at_once)
        try:
            running.behaviour(connection, running, target)
        finally:
            with running.lock:
                running.at_once -= 1


def answering(body: bytes, *, status: str = "200 OK", fields: Mapping[str, str] | None = None) -> Behaviour:
    """Answers everybody with that."""
    lines = {"Content-Length": str(len(body)), **(fields or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())

    def answer(connection: socket.socket, _service: Service, _target: str) -> None:
        connection.sendall(f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body)

    return answer


def saying(said: Any) -> Behaviour:
    """Answers with that as JSON."""
    return answering(json.dumps(said).encode(), fields={"Content-Type": "application/json"})


def saying_of_each(said: Callable[[str], Any]) -> Behaviour:
    """Answers with what the function makes of the request's target."""

    def answer(connection: socket.socket, service_: Service, target: str) -> None:
        saying(said(target))(connection, service_, target)

    return answer


def silent(_connection: socket.socket, running: Service, _target: str) -> None:
    """Says nothing as long as it runs."""
    running.ended.wait(30)


def dripping(whole: bytes) -> Behaviour:
    """Says one byte every tenth of a second, so that none is waited for long."""

    def drip(connection: socket.socket, running: Service, _target: str) -> None:
        for number in range(len(whole)):
            connection.sendall(whole[number : number + 1])
            if running.ended.wait(0.1):
                return

    return drip


def sending_to(url: str | Callable[[str], str], *, status: str = "302 Found") -> Behaviour:
    """Sends everybody elsewhere."""

    def send(connection: socket.socket, service_: Service, target: str) -> None:
        where = url if isinstance(url, str) else url(target)
        answering(b"", status=status, fields={"Location": where})(connection, service_, target)

    return send


def endless(connection: socket.socket, running: Service, _target: str) -> None:
    """A body in pieces, which never ends."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    piece = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    while not running.ended.is_set():
        connection.sendall(piece)


def hanging_up(_connection: socket.socket, _running: Service, _target: str) -> None:
    """Ends the connection without a word."""
