"""By what entity types, data connectors and records are known."""

import hashlib
from collections.abc import Iterator

from export_pipeline.contributions.conforming import Checked
from export_pipeline.contributions.mistakes import Mistake

SLUG = Checked({"type": "string", "minLength": 3, "maxLength": 32, "pattern": "^[a-z][a-z0-9-]+$"})


def slug_mistakes(slug: str) -> Iterator[Mistake]:
    """Why it cannot be the id of an entity type, or of a data connector."""
    return SLUG.mistakes(slug, "slug")


def lowered(id_: str) -> str:
    """As ids in addresses are read. Only letters of ASCII: the sign for Kelvin is no k."""
    return id_.lower() if id_.isascii() else id_


def contribution_id(eid: str, cid: str, salt: str) -> str:
    """By what contributors name a data connector: made again, it has the same."""
    return _sha1(f"{eid}:{cid}:{salt}")


def public_id(contribution_id: str, vendor_id: str) -> str:
    """By what consumers name a record."""
    return _sha1(f"{contribution_id}:{vendor_id}")


def _sha1(text: str) -> str:
    # An id, as the document's service makes them: nothing is kept safe by it.
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
