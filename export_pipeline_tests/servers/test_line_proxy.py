"""Lines that break off where they are told to."""

import socket
import threading
from collections.abc import Iterator

import pytest

from export_pipeline_tests.servers.line_proxy import Breaking, LineProxy, line_proxy


@pytest.fixture
def proxy() -> Iterator[LineProxy]:
    """Of a server that answers what it is told, twice."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer(line: socket.socket) -> None:
            with line:
                while piece := line.recv(100):
                    line.sendall(piece * 2)

        def serve() -> None:
            while True:
                try:
                    line, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=answer, args=(line,), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        with line_proxy(listener.getsockname()[1]) as passing:
            yield passing
        listener.shutdown(socket.SHUT_RDWR)


def connect(proxy: LineProxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=30)


def test_what_passes_arrives_and_what_comes_back_is_counted(proxy: LineProxy) -> None:
    with connect(proxy) as line:
        line.sendall(b"ab")
        assert line.recv(4, socket.MSG_WAITALL) == b"abab"
    assert proxy.came_back == 4


def test_a_line_is_hung_up_after_so_many_bytes(proxy: LineProxy) -> None:
    proxy.break_after(3, Breaking.HANGS_UP)
    with connect(proxy) as line:
        line.sendall(b"ab")
        assert line.recv(10, socket.MSG_WAITALL) == b"aba"


def test_a_line_falls_silent_after_so_many_bytes_and_others_too(proxy: LineProxy) -> None:
    proxy.break_after(3, Breaking.FALLS_SILENT)
    for expected in (b"aba", b""):
        with connect(proxy) as line:
            line.sendall(b"ab")
            assert line.recv(len(expected), socket.MSG_WAITALL) == expected
            line.settimeout(0.2)
            with pytest.raises(TimeoutError):
                line.recv(10)


def test_lines_that_were_there_fall_silent_and_new_ones_do_not(proxy: LineProxy) -> None:
    with connect(proxy) as old:
        old.sendall(b"a")
        assert old.recv(2, socket.MSG_WAITALL) == b"aa"
        proxy.silence()
        old.settimeout(0.2)
        old.sendall(b"a")
        with pytest.raises(TimeoutError):
            old.recv(2)
        with connect(proxy) as new:
            new.sendall(b"b")
            assert new.recv(2, socket.MSG_WAITALL) == b"bb"
