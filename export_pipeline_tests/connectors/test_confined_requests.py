"""Sessions of requests call nobody inside the network, whoever is asked to lead them there."""

import gzip
import ssl
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest
import requests

from export_pipeline.connectors.addresses import allow
from export_pipeline.connectors.authorities import VARIABLES
from export_pipeline.connectors.confined import LONGEST_ANSWER, LONGEST_REFUSAL, MOST_THINGS
from export_pipeline.connectors.confined_requests import confined
from export_pipeline.errors import PermanentFailure
from export_pipeline_tests.connectors.objects import MIB
from export_pipeline_tests.connectors.test_confined import answering
from export_pipeline_tests.servers.certificates import certificates
from export_pipeline_tests.servers.ports import free_port
from export_pipeline_tests.servers.site import PIECE, PIECES_WITHOUT_END, site, without_end


@pytest.fixture
def session() -> Iterator[requests.Session]:
    allow([])
    with requests.Session() as session:
        confined(session)
        yield session
    allow([])


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_nobody_inside_is_called_on(session: requests.Session, scheme: str) -> None:
    with pytest.raises(PermanentFailure, match="must not call there"):
        session.get(f"{scheme}://127.0.0.1:{free_port()}/", timeout=5)


def test_whom_the_operator_allows_is_called_on(session: requests.Session) -> None:
    allow([ip_network("127.0.0.0/8")])
    with answering() as port:
        assert session.get(f"http://127.0.0.1:{port}/", timeout=5).content == b"ok"


def test_no_proxy_is_asked(session: requests.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with answering() as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy}")
        with pytest.raises(PermanentFailure, match="must not call there"):
            session.get(f"http://127.0.0.1:{free_port()}/", timeout=5)


def test_where_nobody_answers_is_an_error_that_clients_know(session: requests.Session) -> None:
    allow([ip_network("127.0.0.0/8")])

    with pytest.raises(requests.ConnectionError):
        session.get(f"http://127.0.0.1:{free_port()}/", timeout=5)


def test_nobody_is_shown_what_the_operator_has_for_others(
    session: requests.Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow([ip_network("127.0.0.0/8")])
    (tmp_path / "netrc").write_text("default login operator password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("http_proxy", f"http://operator:secret@127.0.0.1:{free_port()}")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)

    with site() as running:
        session.get(running.url, headers={"Authorization": "Bearer ours"}, timeout=5)

    (heard,) = running.heard
    assert heard.get_all("Authorization") == ["Bearer ours"]
    assert "Proxy-Authorization" not in heard


@pytest.mark.parametrize("name", VARIABLES)
def test_the_operators_own_authorities_are_trusted(
    session: requests.Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    allow([ip_network("127.0.0.0/8")])
    made = certificates(tmp_path)
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(made.server, made.key)
    for other in VARIABLES:
        monkeypatch.delenv(other, raising=False)

    with answering(server_side) as port:
        url = f"https://127.0.0.1:{port}/"
        with pytest.raises(requests.exceptions.SSLError):
            session.get(url, timeout=5)
        monkeypatch.setenv(name, str(made.authority))
        for said in (None, True):  # some clients say it with each request
            assert session.get(url, verify=said, timeout=5).content == b"ok"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["HEAD", "GET", "POST"])
def test_nobody_is_followed_elsewhere(session: requests.Session, status: int, method: str) -> None:
    allow([ip_network("127.0.0.0/8")])
    with site() as running, site() as elsewhere:
        running.answer(status, {"Location": f"{elsewhere.url}/secret"})

        with pytest.raises(PermanentFailure, match=r"127\.0\.0\.1 sends us on to 127\.0\.0\.1, ") as caught:
            session.request(method, running.url, allow_redirects=True, timeout=5)

    assert "secret" not in str(caught.value)
    assert not elsewhere.heard


@pytest.mark.parametrize("stream", [False, True])
def test_what_goes_on_for_ever_beside_an_error_is_left(session: requests.Session, stream: bool) -> None:
    allow([ip_network("127.0.0.0/8")])
    with site() as running:
        running.answer(403, {}, without_end())
        answer = session.get(running.url, stream=stream, timeout=5)

    assert answer.status_code == 403
    assert LONGEST_REFUSAL <= len(answer.content) < 2 * LONGEST_REFUSAL
    assert running.sent < PIECES_WITHOUT_END


@pytest.mark.parametrize("stream", [False, True])
def test_a_refusal_does_not_quote_credentials(session: requests.Session, stream: bool) -> None:
    allow([ip_network("127.0.0.0/8")])
    with site() as running:
        running.answer(403, {}, [b"you say 'Bearer hush-hush', ", b"and hush-hush is nobody"])
        answer = session.get(
            running.url, headers={"Authorization": "Bearer hush-hush"}, stream=stream, timeout=5
        )

    assert answer.content == b"you say '...', and ... is nobody"


def test_an_answer_that_goes_on_for_ever_is_refused(session: requests.Session) -> None:
    allow([ip_network("127.0.0.0/8")])
    with site() as running:
        running.answer(200, {}, without_end())
        with pytest.raises(PermanentFailure, match="says more than any store does"):
            session.get(running.url, timeout=5)

    assert running.sent < PIECES_WITHOUT_END


def test_an_answer_of_too_many_things_is_refused(session: requests.Session) -> None:
    allow([ip_network("127.0.0.0/8")])
    with site() as running:
        running.answer(200, {}, [b"{}," * MOST_THINGS])
        with pytest.raises(PermanentFailure, match="says more than any store does"):
            session.get(running.url, timeout=5)


def test_an_object_may_be_of_any_length(session: requests.Session) -> None:
    allow([ip_network("127.0.0.0/8")])
    with site() as running:
        running.answer(200, {}, without_end())
        answer = session.get(running.url, stream=True, timeout=5)
        length = sum(len(piece) for piece in answer.iter_content(len(PIECE)))

    assert length == PIECES_WITHOUT_END * len(PIECE) > LONGEST_ANSWER


@pytest.mark.parametrize("name", ["Range", "x-ms-range"])
@pytest.mark.parametrize("zipped", [False, True])
def test_of_a_part_of_an_object_no_more_is_taken_than_was_asked_for(
    session: requests.Session, name: str, zipped: bool
) -> None:
    allow([ip_network("127.0.0.0/8")])
    asked = {name: f"bytes={MIB}-{3 * MIB - 1}"}
    with site() as running:
        if zipped:
            running.answer(206, {"Content-Encoding": "gzip"}, [gzip.compress(b"".join(without_end()))])
        else:
            running.answer(206, {}, without_end())
        with pytest.raises(PermanentFailure, match="says more than any store does"):
            session.get(running.url, headers=asked, stream=True, timeout=5)
        assert running.sent < PIECES_WITHOUT_END

        running.answer(206, {}, [b"x" * MIB, b"y" * MIB])
        answer = session.get(running.url, headers=asked, stream=True, timeout=5)

    assert b"".join(answer.iter_content(MIB)) == b"x" * MIB + b"y" * MIB
