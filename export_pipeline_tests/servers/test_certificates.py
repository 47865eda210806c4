"""Certificates, as a client and a server use them."""

import socket
import ssl
import threading
from pathlib import Path

import pytest

from export_pipeline_tests.servers.certificates import certificates


def test_a_client_that_trusts_the_authority_trusts_the_server(tmp_path: Path) -> None:
    made = certificates(tmp_path)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(made.server, made.key)
    trusting = ssl.create_default_context(cafile=made.authority)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        serve = threading.Thread(target=_greet, args=(listening, serving))
        serve.start()
        with (
            socket.create_connection(listening.getsockname()) as plain,
            trusting.wrap_socket(plain, server_hostname="127.0.0.1") as secure,
        ):
            assert secure.recv(5) == b"hello"
        serve.join()


def test_nobody_trusts_it_otherwise(tmp_path: Path) -> None:
    made = certificates(tmp_path)
    (tmp_path / "other").mkdir()
    another = certificates(tmp_path / "other")
    context = ssl.create_default_context(cafile=another.authority)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(made.server, made.key)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        serve = threading.Thread(target=_greet, args=(listening, serving))
        serve.start()
        with (
            socket.create_connection(listening.getsockname()) as plain,
            pytest.raises(ssl.SSLCertVerificationError),
        ):
            context.wrap_socket(plain, server_hostname="127.0.0.1")
        serve.join()


def _greet(listening: socket.socket, context: ssl.SSLContext) -> None:
    connection, _ = listening.accept()
    with connection:
        try:
            with context.wrap_socket(connection, server_side=True) as secure:
                secure.sendall(b"hello")
        except ssl.SSLError:
            pass
