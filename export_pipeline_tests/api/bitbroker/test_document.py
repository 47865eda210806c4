"""Every example of the document, in its order, with curl itself.

Only the host and the token are ours, and the document's connectors live on a host that is nobody's here.
"""

import json
import os
import re
import subprocess
from typing import Any

import pytest

from export_pipeline_tests.api.bitbroker.parties import an_entity_type
from export_pipeline_tests.api.conftest import Api, Somebody

HOST = "http://bbk-coordinator:8001"
URL = f"{HOST}/v1/entity/country/connector/wikipedia"
TOKEN = "your-token-goes-here"

CREATE = r"""
curl http://bbk-coordinator:8001/v1/entity/country/connector/wikipedia \
--request POST \
--include \
--header "Content-Type: application/json" \
--header "x-bbk-auth-token: your-token-goes-here" \
--data-binary @- << EOF
{ \
"name": "Wikipedia", \
"description": "Country information from Wikipedia", \
"webhook": "http://my-domain.com/connectors/1", \
"cache": 0 \
}
EOF
"""

UPDATE = r"""
curl http://bbk-coordinator:8001/v1/entity/country/connector/wikipedia \
--request PUT \
--include \
--header "Content-Type: application/json" \
--header "x-bbk-auth-token: your-token-goes-here" \
--data-binary @- << EOF
{ \
"name": "Wikipedia", \
"description": "A new description for the Wikipedia connector", \
"webhook": "http://my-domain.com/connectors/1", \
"cache": 0 \
}
EOF
"""

LIST = r"""
curl http://bbk-coordinator:8001/v1/entity/country/connector \
--header "x-bbk-auth-token: your-token-goes-here"
"""

DETAILS = r"""
curl http://bbk-coordinator:8001/v1/entity/country/connector/wikipedia \
--header "x-bbk-auth-token: your-token-goes-here"
"""

PROMOTE = r"""
curl http://bbk-coordinator:8001/v1/entity/country/connector/wikipedia/live \
--request POST \
--include \
--header "x-bbk-auth-token: your-token-goes-here"
"""

DEMOTE = PROMOTE.replace("POST", "DELETE")

DELETE = r"""
curl http://bbk-coordinator:8001/v1/entity/country/connector/wikipedia \
--request DELETE \
--include \
--header "x-bbk-auth-token: your-token-goes-here"
"""

SHOWN: dict[str, Any] = {
    "id": "wikipedia",
    "url": URL,
    "name": "Wikipedia",
    "description": "A new description for the Wikipedia connector",
    "entity": {"id": "country", "url": f"{HOST}/v1/entity/country"},
    "contribution_id": "9afcf3235500836c6fcd9e82110dbc05ffbb734b",
    "webhook": "http://my-domain.com/connectors/1",
    "cache": 0,
    "is_live": False,
    "in_session": False,
}

LISTED = {name: SHOWN[name] for name in ("id", "url", "name", "description")}


class Shell:
    """A shell in which the document's host is ours, and its token a coordinator's."""

    def __init__(self, api: Api, key: str) -> None:
        self._api = api
        self._key = key

    def __call__(self, command: str) -> str:
        ours = command.replace(HOST, self._api.url).replace(TOKEN, self._key)
        ran = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", ours],
            env={**os.environ, "no_proxy": "127.0.0.1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout.replace(self._api.url, HOST)

    def status(self, command: str) -> str:
        """The first line of an answer that has no body."""
        head, _, body = self(command).partition("\n\n")
        assert body == ""
        return head.splitlines()[0]


@pytest.fixture
def shell(api: Api, admin: Somebody) -> Shell:
    an_entity_type(admin)
    return Shell(api, api.key(admin.organization, "connectors:edit"))


def test_every_example_is_answered_as_the_document_says(shell: Shell) -> None:
    head, _, body = shell(CREATE).partition("\n\n")
    assert head.splitlines()[0] == "HTTP/1.1 201 Created"
    assert re.search(rf"^location: {re.escape(URL)}$", head, re.MULTILINE | re.IGNORECASE)
    made = json.loads(body)
    assert made.keys() == {"id", "token"}
    assert made["id"] == "9afcf3235500836c6fcd9e82110dbc05ffbb734b"
    uuid = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    assert re.fullmatch(rf"{uuid}\.{uuid}\.{uuid}", made["token"])

    assert shell.status(UPDATE) == "HTTP/1.1 204 No Content"
    assert json.loads(shell(LIST)) == [LISTED]
    assert json.loads(shell(DETAILS)) == SHOWN
    assert [*json.loads(shell(DETAILS))] == [*SHOWN]

    for _ in range(2):  # again, it is benign
        assert shell.status(PROMOTE) == "HTTP/1.1 204 No Content"
        assert json.loads(shell(DETAILS)) == SHOWN | {"is_live": True}
    for _ in range(2):
        assert shell.status(DEMOTE) == "HTTP/1.1 204 No Content"
        assert json.loads(shell(DETAILS)) == SHOWN

    assert shell.status(DELETE) == "HTTP/1.1 204 No Content"
    assert json.loads(shell(LIST)) == []
    assert json.loads(shell(DETAILS))["error"] == {"code": 404, "status": "Not Found", "message": ""}
