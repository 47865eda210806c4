"""Requests with something wrong somewhere: each face answers in its own shape, shortly, and by no bug."""

import copy
import json
import random
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest

from export_pipeline.store.database import writing
from export_pipeline.store.tenants import give
from export_pipeline_tests.api.bitmovin.viewing import ACME, viewing
from export_pipeline_tests.api.conftest import BUCKET, DEFINITION, Api, serving
from export_pipeline_tests.api.managed.payloads import a_payload
from export_pipeline_tests.contributing import COUNTRIES, WIKIPEDIA

SEED = 5
REQUESTS_PER_FACE = 150
LONGEST_ANSWER = 64 * 1024

# What tells somebody about the machine, or about a value of somebody's.
NEVER_TOLD = ("Traceback", "site-packages", "sqlalchemy", "pydantic", "hunter2", ".py")

# Each of them was, or could be, something that one layer takes and the next does not.
HOSTILE: tuple[Any, ...] = (
    *(None, True, 0, -1, 1.5, 2**63, 10**400, "", " ", [], {}, [[]], [None], {"a": {"b": [1]}}),
    *(
        "\0",
        "half \ud800",
        "\u202e",
        "٣٤",
        "\uff41",
        "x" * 300_000,
        ["x"] * 2_000,
        dict.fromkeys(map(str, range(999))),
    ),
    *(
        "../../etc/passwd",
        "/etc/passwd",
        "a/../b",
        "a\\b",
        "$export",
        "$nobodys",
        "${",
        "%2e%2e%2f",
        "a\nb",
        "'--",
    ),
    *(
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-12:00",
        "9999-12-31T23:59:59.999Z",
        "2026-01-05T23:59:60Z",
    ),
    *("2026-01-05T00:00:00", "1926-01-05T00:00:00Z", "2126-01-05T00:00:00Z", "http://169.254.169.254/"),
)

TIMES = {"from": "2026-01-05T00:00:00.000Z", "to": "2026-01-05T03:59:59.999Z"}
SESSIONS = {
    **DEFINITION,
    "subdirectory": "NUMBER",
    "tables": [{"name": "sessions", "columns": ["played"]}],
    "tenant": ACME,
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """An installation in which every face has something to export."""
    folder = tmp_path_factory.mktemp("random")
    with (
        viewing(folder / "home") as installation,
        serving(installation, folder / "log", EXPORT_PIPELINE_REQUESTS_PER_MINUTE="100000") as url,
    ):
        yield Api(url, installation, folder / "log")


@pytest.fixture(scope="module")
def organization(served: Api) -> str:
    made = served.organization()
    with writing(served.installation.deployment.control) as connection:
        give(connection, made, ACME)
    return made


@pytest.fixture(scope="module")
def http(served: Api, organization: str) -> Iterator[httpx.Client]:
    with served.client(served.key(organization)) as client:
        yield client


def bodies(face: str, organization: str, output: str) -> Mapping[str, Any]:
    """A good body for each address of the face that takes one; each request has its NUMBER."""
    match face:
        case "native":
            return {
                "/api/v1/connectors": {"name": "lake-NUMBER", "config": BUCKET},
                "/api/v1/exports": {"name": "sessions-NUMBER", "connector": "lake-0", "definition": SESSIONS},
                "/api/v1/filters": {"name": "long-NUMBER", "text": "played > 5"},
                "/api/v1/tasks": {
                    "export": "sessions-0",
                    "since": TIMES["from"],
                    "until": "2026-01-05T04:00:00Z",
                },
                "/api/v1/keys": {"name": "nightly", "privileges": ["exports:view"]},
            }
        case "bitmovin":
            task = {"name": "task", "licenseKey": ACME, "output": {"outputPath": "p/", "outputId": output}}
            return {
                "/v1/analytics/outputs/s3": an_output(),
                "/v1/analytics/exports": {**task, "startTime": TIMES["from"], "endTime": TIMES["to"]},
            }
        case "botify":
            inner = {"dimensions": ["played"], "filters": {"field": "played", "predicate": "gt", "value": 3}}
            asked = {"collections": ["sessions"], "periods": [["2026-01-05", "2026-01-05"]], "query": inner}
            payload = {"username": organization, "connector": "direct_download", "query": asked}
            return {"/v1/jobs": {"job_type": "export", "payload": payload, "metadata": {"a": 1}}}
        case "coveo":
            asked = {"commonFilters": ["played > 3"], "description": "words", "tables": ["sessions"]}
            schedule = {
                "frequency": "DAILY",
                "timezone": "Europe/Vienna",
                "notificationsEmails": ["a@b.example"],
            }
            return {
                "/rest/ua/v15/exports/create": {**TIMES, **asked, "filename": "mine"},
                "/rest/ua/v15/exports/schedules": {**schedule, **asked},
                "/rest/ua/v15/filters/reporting": {"displayName": "Long", "value": "played > 5"},
            }
        case "bitbroker":
            return {
                "/v1/entity/type-NUMBER": COUNTRIES,
                "/v1/entity/type-0/connector/data-NUMBER": WIKIPEDIA,
            }
        case _:
            return {"/connectors/s-NUMBER": a_payload(), "/connectors/h-NUMBER": a_payload("HttpData")}


def an_output() -> dict[str, Any]:
    return {
        "name": "output",
        "description": "words",
        "customData": {"a": 1},
        "bucketName": "acme-exports",
        "accessKey": "writer",
        "secretKey": "hunter2",
    }


@pytest.mark.parametrize("face", ["native", "bitbroker", "bitmovin", "botify", "coveo", "managed"])
def test_whatever_is_wrong_is_answered_in_the_faces_own_shape(
    served: Api, organization: str, http: httpx.Client, face: str
) -> None:
    chance = random.Random(f"{SEED} {face}")
    output = http.post("/v1/analytics/outputs/s3", json=an_output()).json()["data"]["result"]["id"]
    good = bodies(face, organization, output)
    for path, body in good.items():
        made = _post(http, 0, path, body)
        assert made.is_success, f"{path}: {made.text}"

    for number in range(1, REQUESTS_PER_FACE + 1):
        path = chance.choice([*good])
        place = chance.choice([*_places(good[path])])
        answer = _post(http, number, path, _with(good[path], place, chance.choice(HOSTILE)))

        told = f"{number}: POST {path} with {place}: {answer.status_code} {answer.text[:300]}"
        assert answer.status_code < 500, told
        assert len(answer.content) < LONGEST_ANSWER, told
        assert answer.is_success or _shaped(face, answer), told
        assert answer.is_success or not [word for word in NEVER_TOLD if word in answer.text], told
    assert "unexpected" not in served.log.read_text()


def _post(http: httpx.Client, number: int, path: str, body: Any) -> httpx.Response:
    text = json.dumps(body).replace("NUMBER", str(number))
    headers = {"Content-Type": "application/json"}
    return http.post(path.replace("NUMBER", str(number)), content=text, headers=headers)


def _places(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value within, and to all of it."""
    yield above
    members = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for name, member in members:
        yield from _places(member, (*above, name))


def _with(value: Any, place: tuple[Any, ...], another: Any) -> Any:
    if not place:
        return another
    changed = copy.deepcopy(value)
    inner = changed
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = another
    return changed


def _shaped(face: str, answer: httpx.Response) -> bool:
    """Whether it is a problem as the face has it."""
    document, status = answer.json(), answer.status_code
    shaped: bool
    match face:
        case "bitbroker":
            shaped = document["error"]["code"] == status
        case "bitmovin":
            shaped = document["status"] == "ERROR" and document["data"]["code"] == status
        case "botify":
            shaped = {"error_code", "message"} <= document["error"].keys()
        case "coveo":
            shaped = document.keys() == {"message", "type", "requestId"}
        case _:
            shaped = document["status"] == status and bool(document["detail"])
    return shaped
