"""What people may do with named filters. Exports follow a change from the next hour that a run reads.

A change is refused if it would leave an export, or another filter, without what it stands on.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count

import sqlalchemy as sa

from export_pipeline.connectors.limits import text_problem
from export_pipeline.control import looks
from export_pipeline.control.audit import audited
from export_pipeline.dataset.tables import Dataset
from export_pipeline.errors import InUse, InvalidRequest
from export_pipeline.exports.export import MAX_NAME, Export
from export_pipeline.exports.plan import plan_of
from export_pipeline.exports.scopes import filters_named_by
from export_pipeline.filters.grammar import parse
from export_pipeline.filters.named import NamedFilters, names_in, resolve
from export_pipeline.filters.text import text_of
from export_pipeline.filters.tree import Named
from export_pipeline.store.exports import exports_at_work
from export_pipeline.store.named_filters import (
    Purpose,
    StoredFilter,
    add_named_filter,
    change_named_filter,
    delete_named_filter,
    find_named_filter,
    named_filters,
)
from export_pipeline.store.organizations import lock_organization
from export_pipeline.store.schedules import StoredSchedule, list_schedules

# What can stand behind `$`; a dash in the first place would be an option to the command line.
NAME_PATTERN = r"[A-Za-z0-9_][A-Za-z0-9_-]{0,62}"
LONGEST_STEM = 50  # and a number fits behind it


@dataclass(frozen=True, slots=True)
class Users:
    """Who has a named filter in the text of a filter of theirs: exports and named filters, by name, and
    schedules, by id.
    """

    exports: Sequence[str]
    filters: Sequence[str]
    schedules: Sequence[str] = ()

    def __str__(self) -> str:
        exports = f"export{'s' * (len(self.exports) > 1)} {', '.join(self.exports)}"
        filters = f"filter{'s' * (len(self.filters) > 1)} {', '.join(f'${name}' for name in self.filters)}"
        schedules = f"schedule{'s' * (len(self.schedules) > 1)} {', '.join(self.schedules)}"
        kinds = (exports, self.exports), (filters, self.filters), (schedules, self.schedules)
        return " and ".join(said for said, who in kinds if who)


@audited("filter.create", looks.named_filter)
def create_filter(
    connection: sa.Connection,
    *,
    organization: str,
    name: str,
    text: str,
    display_name: str | None = None,
    purpose: Purpose = "reporting",
) -> StoredFilter:
    """Accept a filter under a name. Its columns are looked for when an export names it."""
    if not re.fullmatch(NAME_PATTERN, name):
        raise InvalidRequest(
            f"name: {name!r} has to be 1 to 63 letters, digits, _ and -, no - first", field="name"
        )
    lock_organization(connection, organization)
    _check(name, text, named_filters(connection, organization).changed(name, text))
    return add_named_filter(
        connection, organization, name, text, display_name=_displayable(display_name), purpose=purpose
    )


def free_name(connection: sa.Connection, organization: str, display_name: str) -> str:
    """A name that stands for what people call the filter, and that no other has: `EXCLUDE_BOTS`."""
    lock_organization(connection, organization)
    plain = unicodedata.normalize("NFKD", display_name).encode("ascii", "ignore").decode().upper()
    stem = "_".join(re.findall("[A-Z0-9]+", plain))[:LONGEST_STEM].rstrip("_") or "FILTER"
    taken = named_filters(connection, organization)
    return next(
        name for number in count(1) if (name := stem if number == 1 else f"{stem}_{number}") not in taken
    )


@audited("filter.replace", looks.named_filter)
def replace_filter(
    connection: sa.Connection,
    dataset: Dataset,
    *,
    organization: str,
    name: str,
    text: str,
    display_name: str | None = None,
) -> tuple[StoredFilter, Users]:
    """Accept another text for a name, and say who follows it, through other filters as well."""
    lock_organization(connection, organization)
    found = find_named_filter(connection, organization, name)
    before = named_filters(connection, organization)
    after = before.changed(name, text)
    _check(name, text, after)
    filters = [other for other in after if other != name and name in names_in(after[other], after)]
    for other in filters:
        with _said_of(name, f"the filter ${other}"):
            resolve(Named(other), after)
    exports = [
        export for export in exports_at_work(connection, organization) if _depends(export, {name, *filters})
    ]
    for export in exports:
        # What does not fit as it is need not fit afterwards: the declaration may have been changed, and this
        # may be the first of two filters to follow it.
        if _fits(export, dataset, before):
            with _said_of(name, f"the export {export.slug}"):
                plan_of(export.definition, dataset, after)
    stored = change_named_filter(connection, found, text, _displayable(display_name))
    return stored, Users([export.slug for export in exports], filters)


@audited("filter.delete", looks.named_filter)
def delete_filter(connection: sa.Connection, organization: str, name: str) -> StoredFilter:
    """Forget a filter. InUse names the exports and the filters that have it in a text of theirs."""
    lock_organization(connection, organization)
    found = find_named_filter(connection, organization, name)
    users = users_of(connection, organization, name)
    if users.exports or users.filters or users.schedules:
        raise InUse(f"${name} is used by {users}; take it out of there, or delete those, first")
    delete_named_filter(connection, found.id)
    return found


def users_of(connection: sa.Connection, organization: str, name: str) -> Users:
    """Who would miss the filter if it was gone."""
    named = named_filters(connection, organization)
    exports = exports_at_work(connection, organization)
    schedules = list_schedules(connection, organization)
    return Users(
        [export.slug for export in exports if _depends(export, {name})],
        [other for other in named if name in names_in(named[other])],
        tuple(schedule.id for schedule in schedules if name in _names_of(schedule)),
    )


def resolved_text(name: str, named: NamedFilters) -> str:
    """What a name stands for, with no name left in it. InvalidRequest if there is no such thing."""
    return text_of(resolve(Named(name), named))


def applied_filters(connection: sa.Connection, dataset: Dataset, export: Export) -> Mapping[str, str]:
    """For each table of the export what its rows have to pass now; blank for nothing."""
    named = named_filters(connection, export.organization)
    return {plan.table.name: plan.filter_text for plan in plan_of(export.definition, dataset, named)}


def _displayable(name: str | None) -> str | None:
    if name is not None and (not name.strip() or len(name) > MAX_NAME or text_problem(name)):
        raise InvalidRequest(
            f"display_name: must be 1 to {MAX_NAME} characters, none of them a control", field="display_name"
        )
    return name


def _check(name: str, text: str, named: NamedFilters) -> None:
    """Refuse a text that is no filter, and one that stands for too much, for nothing known or for itself."""
    parse(text)
    if not text.strip():
        raise InvalidRequest("filter: the text is blank; write true if every row is meant", field="filter")
    resolve(Named(name), named)


def _depends(export: Export, names: AbstractSet[str]) -> bool:
    """Whether one of the names stands in a filter of the export."""
    return not names.isdisjoint(filters_named_by(export.definition))


def _names_of(schedule: StoredSchedule) -> AbstractSet[str]:
    """The names that stand in the schedule's filters, of which it may have several kinds."""
    kinds = ("filters", "searches_filters", "custom_events_filters")
    texts = [text for kind in kinds for text in schedule.wanted.get(kind, ())]
    return frozenset[str]().union(*(names_in(parse(text)) for text in texts))


def _fits(export: Export, dataset: Dataset, named: NamedFilters) -> bool:
    try:
        plan_of(export.definition, dataset, named)
    except InvalidRequest:
        return False
    return True


@contextmanager
def _said_of(name: str, who: str) -> Iterator[None]:
    try:
        yield
    except InvalidRequest as error:
        raise InvalidRequest(
            f"filter: like this, ${name} would no longer do for {who}: {error}", field="filter"
        ) from error
