"""What an organization has by every face, and the addresses and bodies that name it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from export_pipeline.control.exports import definition_from
from export_pipeline.control.requests import request_export
from export_pipeline.store.database import writing
from export_pipeline_tests.api.bitbroker.parties import CONNECTOR, Contributor, an_entity_type
from export_pipeline_tests.api.botify.asking import a_payload as a_job_payload
from export_pipeline_tests.api.conftest import BUCKET, DEFINITION, Api, Somebody
from export_pipeline_tests.api.managed.payloads import a_payload
from export_pipeline_tests.api.native.every_route import HOUR, every_route, make_things
from export_pipeline_tests.contributing import COUNTRIES, WIKIPEDIA, a_record
from export_pipeline_tests.installations import FIRST

# In whatever only the owner may read.
MARK = "zanzibar"

REST = ("/rest/ua/v15", "/rest/v15")

# What an address says besides whose thing it means.
NOT_IDS = {"action", "commit", "hour", "kind", "mode", "purpose"}

TIMES = {"from": "2026-01-05T00:00:00.000Z", "to": "2026-01-05T03:59:59.999Z"}
OUTPUT = {"name": "output", "bucketName": f"{MARK}-output", "accessKey": "writer", "secretKey": "hunter2"}


@dataclass(frozen=True)
class Belongings:
    """`places` has what stands in addresses that begin so; `words` nobody else may be told."""

    organization: str
    places: Mapping[str, Mapping[str, str]]
    words: frozenset[str]

    def address(self, path: str) -> str:
        """A route's address for the thing that is meant."""
        fitting = [place for place in self.places if f"{path}/".startswith(f"{place}/")]
        given = self.places[max(fitting, key=len)] if fitting else {}
        return re.sub(r"\{(\w+)(:path)?\}", lambda found: given[found[1]], path)


def names_something(path: str) -> bool:
    """Whether the address names somebody's thing."""
    return bool({*re.findall(r"\{(\w+)", path)} - NOT_IDS)


def make_belongings(api: Api, owner: Somebody) -> Belongings:
    """Something of each kind, and others of which nobody knows the names."""
    things = make_things(api, owner).ids
    _hidden(owner)
    output = _made(owner, "/v1/analytics/outputs/s3", OUTPUT)["data"]["result"]["id"]
    payload = a_job_payload(owner.organization, project=MARK)
    job = _made(owner, "/v1/jobs", {"job_type": "export", "payload": payload})["job_id"]
    export = _made(owner, f"{REST[0]}/exports/create", {**TIMES, "tables": ["events"], "description": MARK})
    often = {"frequency": "DAILY", "timezone": "UTC", "tables": ["events"], "description": MARK}
    schedule = _made(owner, f"{REST[0]}/exports/schedules", often)["id"]
    _made(owner, "/connectors/storage", a_payload(bucket_name=f"{MARK}-storage"))
    contributor, session, record = _contributed(owner)
    task = _bitmovin_task(api, owner.organization)
    places: dict[str, Mapping[str, str]] = {
        "/api/v1/connectors": {"name": things["connectors"]},
        "/api/v1/exports": {"name": things["exports"], "hour": HOUR},
        "/api/v1/filters": {"name": things["filters"]},
        "/api/v1/keys": {"id": things["keys"]},
        "/api/v1/tasks": {"id": things["downloads"]},
        "/connectors": {"name": "storage"},
        "/consumer/v1/entity": {"eid": "country", "id": record},
        "/contributor/v1/connector": {
            **{"cid": contributor, "sid": session},
            **{"mode": "stream", "action": "upsert", "commit": "true"},
        },
        "/downloads": {"task_id": things["downloads"], "name": "all.zip", "key": "events/all.csv"},
        "/v1/analytics/exports": {"id": task},
        "/v1/analytics/outputs": {"kind": "s3", "id": output},
        "/v1/connectors": {"username": owner.organization},
        "/v1/entity": {"eid": "country", "cid": "wikipedia"},
        "/v1/jobs": {"id": job},
    }
    for base in REST:
        places |= {
            f"{base}/exports": {"id": export["id"]},
            f"{base}/exports/schedules": {"id": schedule},
            f"{base}/filters": {"purpose": "reporting", "id": things["filters"]},
        }
    ids = {things["keys"], things["tasks"], things["downloads"], output, job, export["id"], schedule, task}
    words = frozenset({MARK, owner.organization, *ids, contributor, session, record})
    return Belongings(owner.organization, places, words)


def bodies(api: Api, theirs: Belongings, stranger: str) -> Mapping[tuple[str, str], Any]:
    """By method and path, what an organization sends that names what is another's where it can."""
    output = theirs.places["/v1/analytics/outputs"]["id"]
    target = {"outputPath": "p/", "outputId": output}
    range_ = {"startTime": TIMES["from"], "endTime": TIMES["to"]}
    task = {"name": "task", "licenseKey": "acme", "output": target, **range_}
    job = {"job_type": "export", "payload": a_job_payload(stranger, connector=output)}
    told: dict[tuple[str, str], Any] = {
        (route.method, route.path): route.body for route in every_route(api.url) if route.body is not None
    }
    told |= {
        ("POST", "/api/v1/filters"): {"name": "small", "text": "$big"},
        ("POST", "/connectors/{name}"): a_payload(),
        ("PUT", "/connectors/{name}"): a_payload(),
        ("POST", "/contributor/v1/connector/{cid}/session/{sid}/{action}"): [a_record()],
        ("POST", "/v1/analytics/exports"): task,
        ("POST", "/v1/analytics/exports/"): task,
        ("POST", "/v1/analytics/outputs/{kind}"): OUTPUT,
        ("POST", "/v1/analytics/outputs/{kind}/"): OUTPUT,
        ("POST", "/v1/entity/{eid}"): COUNTRIES,
        ("PUT", "/v1/entity/{eid}"): COUNTRIES,
        ("POST", "/v1/entity/{eid}/connector/{cid}"): WIKIPEDIA,
        ("PUT", "/v1/entity/{eid}/connector/{cid}"): WIKIPEDIA,
        ("POST", "/v1/jobs"): job,
    }
    named = {"displayName": "Small", "value": "$big"}
    schedule = {"frequency": "DAILY", "timezone": "UTC", "commonFilters": ["$big"]}
    for base in REST:
        told |= {
            ("POST", f"{base}/exports"): {},  # asked for by parameters, as `queries` has them
            ("POST", f"{base}/exports/create"): {**TIMES, "commonFilters": ["$big"]},
            ("POST", f"{base}/exports/schedules"): schedule,
            ("PUT", f"{base}/exports/schedules/{{id}}"): {**schedule, "commonFilters": []},
            ("POST", f"{base}/filters/{{purpose}}"): named,
            ("PUT", f"{base}/filters/{{purpose}}/{{id}}"): {**named, "value": "amount < 5"},
        }
    return told


# Parameters, by the path; those of an address that nobody signed are made up.
QUERIES: Mapping[str, Mapping[str, str]] = {
    "/downloads/archives/{task_id}/{name}": {"expires": "9999999999", "signature": "made-up"},
    "/downloads/files/{task_id}/{key:path}": {"expires": "9999999999", "signature": "made-up"},
    **{f"{base}/exports": {**TIMES, "f": "$big"} for base in REST},
    **{f"{base}/exports/estimate": {**TIMES, "f": "$big"} for base in REST},
}


def _hidden(owner: Somebody) -> None:
    """Things that a refusal must not offer instead."""
    _made(owner, "/api/v1/connectors", {"name": f"{MARK}-lake", "config": {**BUCKET, "bucket": MARK}})
    definition = {**DEFINITION, "subdirectory": MARK}
    export = {"name": f"{MARK}-events", "connector": f"{MARK}-lake", "definition": definition}
    _made(owner, "/api/v1/exports", export)
    _made(owner, "/api/v1/filters", {"name": f"{MARK}-big", "text": f"kind == '{MARK}'"})
    _made(owner, "/api/v1/keys", {"name": MARK, "privileges": ["exports:view"]})
    an_entity_type(owner, MARK)


def _contributed(owner: Somebody) -> tuple[str, str, str]:
    """A data connector that is live, an open session of it, a record of it."""
    an_entity_type(owner, name=MARK)
    made = _made(owner, CONNECTOR, {**WIKIPEDIA, "description": MARK})
    assert owner.post(f"{CONNECTOR}/live").status_code == 204
    contributor = Contributor(made["id"], made["token"], owner.http)
    (record,) = contributor.contribute(a_record(name=MARK)).values()
    return contributor.id, contributor.open(), record


def _bitmovin_task(api: Api, organization: str) -> str:
    """One as that face keeps it; the dataset names no table for it."""
    deployment = api.installation.deployment
    with writing(deployment.control) as connection:
        return request_export(
            connection,
            deployment.secret_key,
            deployment.dataset_of(organization),
            organization=organization,
            connector="lake",
            definition=definition_from({**DEFINITION, "subdirectory": "task"}),
            since=FIRST,
            until=FIRST + timedelta(hours=1),
            origin="bitmovin",
            name=MARK,
            properties={"licenseKey": MARK},
        ).id


def _made(owner: Somebody, address: str, body: Any) -> Any:
    made = owner.post(address, json=body)
    assert made.status_code == 201, made.text
    return made.json()
