"""What a data connector is: how third parties' records come in, and who is asked for more of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from export_pipeline.contributions.conforming import Checked
from export_pipeline.contributions.entity_types import DESCRIPTION, NAME, of_property, without_nothings
from export_pipeline.contributions.mistakes import Mistake, reject

WEBHOOK_NEEDED = "You must supply a webhook when entity types contain timeseries"
LONGEST_CACHE = 31_536_000  # a year, in seconds

BODY = Checked(
    {
        "type": "object",
        "required": ["name", "description"],
        "properties": {
            "name": NAME,
            "description": DESCRIPTION,
            "webhook": {"type": "string", "maxLength": 1024, "format": "uri", "pattern": "^https?://.*$"},
            "cache": {"type": "integer", "minimum": 0, "maximum": LONGEST_CACHE},
        },
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorProfile:
    """A data connector as it is written. `cache`: seconds for which the webhook's answers are kept."""

    name: str
    description: str
    webhook: str | None = None
    cache: int = 0


def connector_profile(body: Any, *, timeseries: Mapping[str, Any]) -> ConnectorProfile:
    """What a body says of a data connector of an entity type with those timeseries. Rejected names everything
    that is wrong with it; what it does not know it passes over.
    """
    given = without_nothings(body, ("webhook", "cache"))
    if isinstance(given, dict) and given.get("webhook") == "":
        del given["webhook"]
    reject(map(of_property, BODY.mistakes(given)))
    webhook = given.get("webhook")
    reject(_webhook_mistakes(webhook, timeseries))
    return ConnectorProfile(
        name=given["name"],
        description=given["description"],
        webhook=webhook.removesuffix("/") if webhook else None,
        cache=int(given.get("cache", 0)),
    )


def _webhook_mistakes(webhook: str | None, timeseries: Mapping[str, Any]) -> Iterator[Mistake]:
    if timeseries and not webhook:
        yield Mistake(name="webhook", reason=WEBHOOK_NEEDED)
    if webhook and not webhook.split("//", 1)[1].strip("/"):
        yield Mistake(name="webhook", reason='does not conform to the "uri" format')
