"""Whether a relation still has what was declared: its columns, of types that can be read as declared.

Looked at in every snapshot, before its rows are: a table may be altered between two hours.
"""

from collections.abc import Mapping, Sequence

from export_pipeline.dataset.catalog import FoundColumn
from export_pipeline.dataset.tables import Table
from export_pipeline.dataset.types import ColumnType, Kind
from export_pipeline.errors import PermanentFailure

# Of these `dataset check` warns where the database's type is another one: each value is looked at anyway.
_OF_ANY_TYPE = (Kind.JSON, Kind.UUID)


def check_shape(
    relation: str, declared: Mapping[str, ColumnType], found: Sequence[FoundColumn] | None
) -> None:
    """PermanentFailure, with both shapes, when a declared column is gone or has become something else.

    Nothing is said where the database could not say what is there, or of a type that nothing is known of.
    """
    if found is None:
        return
    there = _by_name(found)
    wrong = [
        (name, type_, there.get(name.lower()))
        for name, type_ in declared.items()
        if not _can_become(there.get(name.lower()), type_)
    ]
    if wrong:
        shape = ", ".join(f"{name} {type_}" for name, type_, _ in wrong)
        now = ", ".join(
            f"no {name}" if column is None else f"{name} {column.type}" for name, _, column in wrong
        )
        raise PermanentFailure(
            f"{relation} is not what was declared: declared is {shape}; the database has {now};"
            " restore it there, or correct the declaration (`export-pipeline dataset check` shows all of it)"
        )


def undeclared(table: Table, found: Sequence[FoundColumn]) -> tuple[str, ...]:
    """Columns that the database has and the declaration does not: no part of any export."""
    declared = {column.name.lower() for column in table.columns}
    return tuple(column.name for column in found if column.name.lower() not in declared)


def _by_name(found: Sequence[FoundColumn]) -> Mapping[str, FoundColumn]:
    # In whatever case: where a name has to be spelled exactly, the query says so.
    return {column.name.lower(): column for column in found}


def _can_become(found: FoundColumn | None, declared: ColumnType) -> bool:
    if found is None:
        return False
    return found.becomes is None or declared.kind in found.becomes or declared.kind in _OF_ANY_TYPE
