"""Jobs as the document shows them, on the events of an installation."""

from typing import Any

from export_pipeline_tests.api.conftest import Somebody

JOBS = "/v1/jobs"


def a_payload(username: str, **changes: Any) -> dict[str, Any]:
    """All events of a day, with what differs; None takes a field away."""
    query = {
        "collections": ["events"],
        "periods": [["2026-01-05", "2026-01-05"]],
        "query": {"dimensions": ["events.id", "events.kind"], "metrics": []},
    }
    payload = {
        "username": username,
        "project": "site",
        "connector": "direct_download",
        "formatter": "csv",
        "formatter_config": {"print_delimiter": False},
        "query": {**query, **changes.pop("query", {})},
        **changes,
    }
    return {name: value for name, value in payload.items() if value is not None}


def a_job(who: Somebody, **changes: Any) -> dict[str, Any]:
    """A job for that payload."""
    return {"job_type": "export", "payload": a_payload(who.organization, **changes)}
