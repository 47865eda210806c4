"""Which addresses may be called on, and that the one called on is the one that was looked at."""

import socket
import threading
from collections.abc import Iterator
from ipaddress import ip_address, ip_network

import pytest

from export_pipeline.connectors.addresses import SETTING, allow, connected, may_be_called
from export_pipeline.errors import PermanentFailure
from export_pipeline.settings import Settings
from export_pipeline_tests.servers.ports import free_port


@pytest.fixture(autouse=True)
def nothing_allowed() -> Iterator[None]:
    allow([])
    yield
    allow([])


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
        *(
            "169.254.169.254",
            "169.254.0.1",
            "100.64.0.1",
            "192.0.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "240.0.0.1",
        ),
        *("255.255.255.255", "::", "::1", "fe80::1", "fc00::1", "fd12:3456::1", "ff02::1", "fec0::1"),
        *("::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:10.0.0.1", "::ffff:0.0.0.0"),
        *("64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::10.0.0.1", "::127.0.0.1", "::10.0.0.1"),
        *("2002:7f00:1::", "2002:a9fe:a9fe::1", "2001:0:4136:e378:8000:63bf:f5ff:fffe", "2001:db8::1"),
        *("192.88.99.1", "::ffff:192.88.99.1", "3fff::1", "3fff:fff::1"),
        *("168.63.129.16", "::ffff:168.63.129.16", "192.0.0.8"),
    ],
)
def test_what_only_insiders_reach_is_not_called_on(address: str) -> None:
    assert not may_be_called(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "8.8.8.8",
        "172.32.0.1",
        "2606:4700::1111",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
        "2002:808:808::1",
        "168.63.129.17",
    ],
)
def test_what_everybody_reaches_is_called_on(address: str) -> None:
    assert may_be_called(ip_address(address))


def test_an_operator_allows_networks() -> None:
    allow([ip_network("10.1.0.0/16"), ip_network("fd00::/8")])

    assert may_be_called(ip_address("10.1.2.3"))
    assert may_be_called(ip_address("::ffff:10.1.2.3"))
    assert may_be_called(ip_address("fd12::1"))
    assert not may_be_called(ip_address("10.2.0.1"))
    assert not may_be_called(ip_address("127.0.0.1"))


def test_what_is_allowed_takes_the_place_of_what_was() -> None:
    allow([ip_network("10.1.0.0/16")])
    allow([ip_network("10.2.0.0/16")])

    assert not may_be_called(ip_address("10.1.2.3"))


def test_the_setting_is_the_one_that_errors_name() -> None:
    prefix = Settings.model_config["env_prefix"]

    assert SETTING.removeprefix(prefix).lower() in Settings.model_fields


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "::1", "0.0.0.0", "127.1", "2130706433", "0x7f.1"]
)
def test_nobody_inside_is_called_on_however_it_is_written(host: str) -> None:
    with pytest.raises(PermanentFailure, match=f"must not call there.*{SETTING}"):
        connected(host, free_port(), seconds=1)


def test_an_error_does_not_tell_where_insiders_are() -> None:
    with pytest.raises(PermanentFailure) as caught:
        connected("localhost", 80, seconds=1)

    assert "127.0.0.1" not in str(caught.value)


def test_a_name_is_resolved_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """An attacker's name answers with one address for the look, and with another one for the call."""
    allow([ip_network("127.0.0.1/32")])
    answers = iter(["127.0.0.1", "127.0.0.2"])

    def resolve(*_: object, **__: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), server.getsockname()[1]))]

    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        with connected("rebound.example", 80, seconds=5) as connection:
            assert connection.getpeername()[0] == "127.0.0.1"
    assert next(answers) == "127.0.0.2"  # it was never asked for


def test_of_several_addresses_only_those_outside_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    allow([ip_network("127.0.0.2/32")])
    called: list[str] = []

    def serve(server: socket.socket) -> None:
        connection, _ = server.accept()
        called.append(connection.getsockname()[0])
        connection.close()

    with socket.create_server(("127.0.0.2", 0)) as server:
        port = server.getsockname()[1]
        found = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in ("127.0.0.1", "127.0.0.2")
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        thread = threading.Thread(target=serve, args=(server,))
        thread.start()
        connected("two.example", port, seconds=5).close()
        thread.join()

    assert called == ["127.0.0.2"]


@pytest.mark.parametrize("host", ["a..b", "a" * 64 + ".example"])
def test_a_host_that_is_no_name_is_a_failure_that_says_so(host: str) -> None:
    with pytest.raises(PermanentFailure, match="no host's name"):
        connected(host, 80, seconds=1)


def test_a_host_where_nobody_answers_is_an_error_of_the_system() -> None:
    allow([ip_network("127.0.0.0/8")])

    with pytest.raises(ConnectionRefusedError):
        connected("127.0.0.1", free_port(), seconds=5)
