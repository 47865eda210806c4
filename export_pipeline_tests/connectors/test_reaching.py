"""What is told of a host does not depend on what there is inside."""

import socket

import pytest

from export_pipeline.connectors.addresses import SETTING, allow
from export_pipeline.connectors.reaching import Server
from export_pipeline.errors import TransientFailure
from export_pipeline_tests.servers.ports import free_port


def told(host: str) -> str:
    with pytest.raises(TransientFailure) as caught:
        Server(f"http://{host}:9000/$key", inside=False).resolve()
    assert caught.value.__cause__ is None
    return str(caught.value).replace(host, "it")


def test_nobody_learns_which_names_there_are_inside() -> None:
    allow([])

    assert told("localhost") == told("storage.invalid") == told("127.0.0.1")
    assert SETTING in told("localhost")


def test_a_server_inside_is_found_for_who_may_go_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = Server(f"http://localhost:{listening.getsockname()[1]}/", inside=True)

        assert server.resolve() == "The host name localhost is found."
        assert "answers at port" in server.connect()


def test_a_port_where_nobody_answers_is_named() -> None:
    port = free_port()

    with pytest.raises(TransientFailure, match=f"does not answer at port {port}"):
        Server(f"http://127.0.0.1:{port}/", inside=True).connect()


def test_a_disk_needs_no_server() -> None:
    server = Server("file:///", inside=True)

    assert "on a disk here" in server.resolve()
    assert "on a disk here" in server.connect()
