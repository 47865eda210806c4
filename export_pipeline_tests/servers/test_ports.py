"""Ports handed out are free and different."""

import socket

from export_pipeline_tests.servers.ports import free_port, free_ports


def test_ports_and_their_twins_can_be_bound() -> None:
    for port in free_ports(5, twin=1_000):
        for wanted in (port, port + 1_000):
            with socket.socket() as taken:
                taken.bind(("127.0.0.1", wanted))


def test_ports_differ() -> None:
    assert len(set(free_ports(50))) == 50


def test_one_port_can_be_bound() -> None:
    with socket.create_server(("127.0.0.1", free_port())) as server:
        assert server.getsockname()[1] > 1024
