"""Two exports must not write the same key of the same place: that is refused before anything is written.

An export that somebody named is to be free of others in all of its hours, whenever they are asked for. A
one-off request is refused only for hours that another asks for as well: people export to one folder again and
again. Where keys of different hours meet (`$month/$day` and `$day/$month`), it shows at the store: no export
writes over another's file.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import combinations

import sqlalchemy as sa

from export_pipeline.errors import InvalidRequest
from export_pipeline.exports.collisions import Symbol, collide, head_of, shape_of
from export_pipeline.exports.export import Export, ExportDefinition
from export_pipeline.exports.file_layout import FileLayout
from export_pipeline.exports.naming import object_key
from export_pipeline.exports.variables import KeyContext
from export_pipeline.store.exports import rivals_of
from export_pipeline.store.tasks import tasks_between
from export_pipeline.windows import BEGINNING_OF_TIME, END_OF_TIME, ONE_HOUR, HourWindow, floor

ALWAYS = BEGINNING_OF_TIME, END_OF_TIME


def contexts_of(export: Export) -> Sequence[KeyContext]:
    """For each table of an export what its path is filled from in its first hour."""
    window = HourWindow(export.definition.first_hour)
    return [export.key_context(choice.name, window) for choice in export.definition.tables]


def files_of(export: Export, since: datetime) -> set[str]:
    """The names of a task's files, one for each table, where one holds all of its hours."""
    return _files(export.definition.path, contexts_of(export), since)


def key_head(definition: ExportDefinition, contexts: Sequence[KeyContext]) -> str:
    """What every key of an export begins with; `contexts` has one for each of its tables."""
    return head_of(_shapes(definition, contexts))


def check_tables(definition: ExportDefinition, contexts: Sequence[KeyContext]) -> None:
    """Refuse a path that can give two tables of one export the same key."""
    shapes = _shapes(definition, contexts)
    for (one, a), (another, b) in combinations(zip(shapes, contexts, strict=True), 2):
        if collide(one, another):
            raise InvalidRequest(
                f"path: {definition.path!r} can give tables {a.table!r} and {b.table!r} the same key;"
                " put a slash after $table",
                field="path",
            )


def check_all_hours(
    connection: sa.Connection,
    connector_id: str,
    definition: ExportDefinition,
    contexts: Sequence[KeyContext],
) -> None:
    """Refuse an export that can give a key of another one on its connector, in whichever hours."""
    ours = _shapes(definition, contexts)
    whose = contexts[0].organization, contexts[0].export
    for other in rivals_of(connection, connector_id, head_of(ours)):
        if (other.organization, other.slug) == whose:
            continue  # the same name: refused for that, by whoever stores it
        if _meet(ours, other):
            raise InvalidRequest(
                f"path: {definition.path!r} can give the same keys as export {other.slug!r}"
                f" ({other.definition.path!r}) on the same connector; add $export to it, or another folder",
                field="path",
            )


def check_hours(
    connection: sa.Connection,
    connector_id: str,
    definition: ExportDefinition,
    contexts: Sequence[KeyContext],
    since: datetime,
    until: datetime,
) -> None:
    """Refuse `[since, until)` of an export that serves tasks only, where another one has the same keys.

    That is one which is delivered by itself, or of which a task asks for one of these hours; where both keep
    a task's hours in one file, one that names such a file alike.
    """
    ours = _shapes(definition, contexts)
    whose = contexts[0].organization, contexts[0].export
    first, end = floor(since), _ceiling(until)
    single = definition.layout is FileLayout.SINGLE
    asked = ALWAYS if single else (first, end)
    for other in rivals_of(connection, connector_id, head_of(ours), asked=asked):
        if (other.organization, other.slug) == whose or not _meet(ours, other):
            continue
        if other.standing:
            by = f"export {other.slug!r} is delivered to by itself"
        else:
            both_single = single and other.definition.layout is FileLayout.SINGLE
            tasks = tasks_between(connection, other.id, *(ALWAYS if both_single else (first, end)))
            if both_single:
                files = _files(definition.path, contexts, since)
                tasks = [task for task in tasks if files & files_of(other, task.since)]
            if not tasks:
                continue
            task = tasks[0]
            by = (
                f"task {task.id} asks for, with other columns, filters or options, in hours from"
                f" {task.since.isoformat()} to {task.until.isoformat()}"
            )
        raise InvalidRequest(
            f"path: {definition.path!r} gives the keys that {by}; take another folder, or add $export to"
            " the path, which differs with what is exported",
            field="path",
        )


def _files(path: str, contexts: Sequence[KeyContext], since: datetime) -> set[str]:
    window = HourWindow(floor(since))
    return {object_key(path, replace(context, window=window)) for context in contexts}


def _ceiling(moment: datetime) -> datetime:
    return moment if moment == floor(moment) else floor(moment) + ONE_HOUR


def _shapes(definition: ExportDefinition, contexts: Sequence[KeyContext]) -> list[tuple[Symbol, ...]]:
    return [shape_of(definition.path, context) for context in contexts]


def _meet(ours: Sequence[tuple[Symbol, ...]], other: Export) -> bool:
    theirs = _shapes(other.definition, contexts_of(other))
    return any(collide(one, another) for one in ours for another in theirs)
