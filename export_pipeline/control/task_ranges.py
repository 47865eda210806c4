"""Which ranges may be asked for of an export whose files hold all hours of a task."""

from datetime import datetime

import sqlalchemy as sa

from export_pipeline.control.collisions import files_of
from export_pipeline.errors import InvalidRequest
from export_pipeline.exports.export import Export
from export_pipeline.store.tasks import tasks_between
from export_pipeline.windows import END_OF_TIME, HourRange


def check_single_files(connection: sa.Connection, export: Export, since: datetime, until: datetime) -> None:
    """Refuse a range whose file would take the place of another range's, for which a receipt vouches.

    The same range may be asked for again: it is the next revision if its rows have changed.
    """
    ours = HourRange.between(since, until)
    for other in tasks_between(connection, export.id, export.definition.first_hour, END_OF_TIME):
        theirs = HourRange.between(other.since, other.until)
        if ours != theirs and files_of(export, since) == files_of(export, other.since):
            raise InvalidRequest(
                f"since, until: {export.slug} has a file for {theirs.key} already, or will have (task"
                f" {other.id}), and that of {ours.key} would have the same name; ask for the same range,"
                " or make another export for it with another path",
                field="since",
            )
