"""Letting a standing export rest, and go on. Tasks are served all the same: somebody asked for those."""

import sqlalchemy as sa

from export_pipeline.control import looks
from export_pipeline.control.audit import audited
from export_pipeline.errors import InvalidRequest
from export_pipeline.exports.export import Export
from export_pipeline.store.exports import find_export, pause


@audited("export.pause", looks.export)
def pause_export(connection: sa.Connection, organization: str, slug: str) -> Export:
    """Deliver no more hours by itself. Those that fall due meanwhile are delivered for a task."""
    return _moved(connection, organization, slug, paused=True)


@audited("export.resume", looks.export)
def resume_export(connection: sa.Connection, organization: str, slug: str) -> Export:
    """Deliver the hours that fall due from now on."""
    return _moved(connection, organization, slug, paused=False)


def _moved(connection: sa.Connection, organization: str, slug: str, *, paused: bool) -> Export:
    found = find_export(connection, organization, slug, locked=True)
    if not found.standing:
        raise InvalidRequest(
            f"name: {slug} is delivered for tasks only, so there is nothing to pause", field="name"
        )
    pause(connection, found.id, paused=paused)
    return find_export(connection, organization, slug)
