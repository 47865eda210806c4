"""The server that is no store says what it was told to."""

import requests

from export_pipeline_tests.servers.site import PIECE, PIECES_WITHOUT_END, site, without_end


def test_every_request_is_answered_alike_and_remembered() -> None:
    with site() as running:
        running.answer(418, {"X-Kind": "teapot"}, [b"short", b" and stout"])
        answers = [requests.request(method, running.url, timeout=5) for method in ("GET", "PUT", "DELETE")]

    assert [(answer.status_code, answer.headers["X-Kind"], answer.text) for answer in answers] == [
        (418, "teapot", "short and stout")
    ] * 3
    assert len(running.heard) == 3


def test_tokens_are_given_out_while_that_is_wanted() -> None:
    with site() as running:
        given = requests.post(f"{running.url}/token", timeout=5)
        running.gives_tokens = False
        refused = requests.post(f"{running.url}/token", timeout=5)

    assert given.json()["access_token"]
    assert "Welcome" in refused.text


def test_a_body_without_end_stops_when_nobody_reads_it() -> None:
    with site() as running:
        running.answer(200, {}, without_end())
        with requests.get(running.url, stream=True, timeout=5) as answer:
            assert answer.raw.read(10) == PIECE[:10]

    assert running.sent < PIECES_WITHOUT_END
