"""The requests of docs/api.md are answered."""

import shlex
from string import Template

import httpx
import pytest

from export_pipeline_tests.api.conftest import Api
from export_pipeline_tests.api.conftest import api as api
from export_pipeline_tests.docs.pages import blocks, page


def requested(command: str) -> httpx.Request:
    """What curl would send."""
    words = iter(shlex.split(command)[1:])
    method, headers, content, url = "GET", {}, None, ""
    for word in words:
        match word:
            case "-X":
                method = next(words)
            case "-H":
                name, _, value = next(words).partition(": ")
                headers[name] = value
            case "-d":
                content = next(words)
            case _:
                url = word
    return httpx.Request(method, url, headers=headers, content=content)


@pytest.fixture
def commands(api: Api) -> list[str]:
    (block,) = blocks(page("api.md"), "sh")
    text = Template(block).safe_substitute(URL=api.url, KEY=api.key(api.organization()))
    return ["curl " + part for part in text.replace("\\\n", " ").split("curl ")[1:]]


def test_every_request_of_the_page_is_answered(commands: list[str]) -> None:
    assert len(commands) == 5
    with httpx.Client(timeout=60) as http:
        answers = [http.send(requested(command)) for command in commands]

    assert [answer.status_code for answer in answers] == [201, 201, 201, 200, 200], [a.text for a in answers]
    assert answers[2].json()["hours"]["wanted"] == 24
    assert [one["action"] for one in answers[4].json()["entries"]][:3] == [
        "task.create",
        "export.create",
        "connector.create",
    ]
