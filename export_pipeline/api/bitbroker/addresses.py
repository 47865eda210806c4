"""Where things are, for links in answers; and who is there, at the root of each part."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import AfterValidator

from export_pipeline.api.visits import address_of, deployment_of
from export_pipeline.contributions.ids import lowered
from export_pipeline.settings import Settings

Base = Callable[[Settings], str]

# Part of an address, which may be in either case.
Id = Annotated[str, AfterValidator(lowered)]


def coordinator(settings: Settings) -> str:
    return settings.coordinator_base


def contributor(settings: Settings) -> str:
    return settings.contributor_base


def consumer(settings: Settings) -> str:
    return settings.consumer_base


def link(request: Request, base: Base, *path: str) -> str:
    """Where clients find that below a base. Ids need no escapes."""
    deployment = deployment_of(request)
    return "/".join((address_of(request, deployment) + base(deployment.settings), *path))


def announce(part: APIRouter, base: Base) -> None:
    """Have the root of a part of the face say what it is."""

    def announced(request: Request) -> dict[str, Any]:
        return {
            "now": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "name": f"export-pipeline {base.__name__}",
            "base": link(request, base),
            "status": "production",
        }

    part.add_api_route("", announced, methods=["GET"])
    part.add_api_route("/", announced, methods=["GET"])
