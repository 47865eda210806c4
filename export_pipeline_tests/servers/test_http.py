"""The receiver of the tests: what it keeps, and what it does not."""

import http.client
import socket

import pytest

from export_pipeline_tests.servers.http import Receiver, receiver


def ask(
    server: Receiver, path: str, *, method: str = "PUT", body: bytes | list[bytes] = b"", **fields: str
) -> tuple[int, bytes, http.client.HTTPMessage]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    token = server.token("rwd").get_secret_value()
    sent = {"Authorization": f"Bearer {token}", **{n.replace("_", "-"): value for n, value in fields.items()}}
    try:
        connection.request(method, path, body, sent)
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers
    finally:
        connection.close()


@pytest.fixture
def space(running_receiver: Receiver) -> str:
    return running_receiver.new_space()


def test_it_ends_with_its_block() -> None:
    with receiver() as server:
        assert ask(server, "/none/a")[0] == 404

    with pytest.raises(ConnectionRefusedError):
        ask(server, "/none/a")


def test_it_takes_bodies_in_chunks(running_receiver: Receiver, space: str) -> None:
    status, _, _ = ask(running_receiver, f"/{space}/a", body=[b"one", b"two"])

    assert status == 201
    assert ask(running_receiver, f"/{space}/a", method="GET")[1] == b"onetwo"


def test_of_a_body_that_breaks_off_it_keeps_nothing(running_receiver: Receiver, space: str) -> None:
    token = running_receiver.token("rwd").get_secret_value()
    head = f"PUT /{space}/a HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: 9\r\n\r\n"
    with socket.create_connection(("127.0.0.1", running_receiver.server_port)) as client:
        client.sendall(head.encode() + b"half")
        client.shutdown(socket.SHUT_WR)
        assert client.recv(100) == b""

    assert running_receiver.spaces[space] == {}


def test_it_knows_its_users(running_receiver: Receiver, space: str) -> None:
    reader = f"Bearer {running_receiver.token('r').get_secret_value()}"

    assert ask(running_receiver, f"/{space}/a", Authorization="Bearer guessed")[0] == 401
    assert ask(running_receiver, f"/{space}/a", Authorization="")[0] == 401
    assert ask(running_receiver, f"/{space}/a", Authorization=reader)[0] == 403


def test_it_checks_digests(running_receiver: Receiver, space: str) -> None:
    wrong = "sha-256=:AAAA:"

    assert ask(running_receiver, f"/{space}/a", body=b"1", Content_Digest=wrong)[0] == 400
    assert ask(running_receiver, f"/{space}/a", body=b"1", Repr_Digest=wrong)[0] == 400
    assert running_receiver.spaces[space] == {}


def test_it_honours_conditions(running_receiver: Receiver, space: str) -> None:
    path = f"/{space}/a"
    etag = ask(running_receiver, path, body=b"1", If_None_Match="*")[2]["ETag"]

    assert ask(running_receiver, path, body=b"2", If_None_Match="*")[0] == 412
    assert ask(running_receiver, path, body=b"2", If_Match='"x"')[0] == 412
    assert ask(running_receiver, path, body=b"2", If_Match=etag)[0] == 200
    assert ask(running_receiver, f"/{space}/b", body=b"2", If_Match=etag)[0] == 412


def test_a_repeated_request_is_done_once(running_receiver: Receiver, space: str) -> None:
    path = f"/{space}/a"
    first = ask(running_receiver, path, body=b"1", Idempotency_Key=space)
    ask(running_receiver, path, body=b"2")

    again = ask(running_receiver, path, body=b"1", Idempotency_Key=space)

    assert (again[0], again[2]["ETag"]) == (first[0], first[2]["ETag"])
    assert ask(running_receiver, path, method="GET")[1] == b"2"
