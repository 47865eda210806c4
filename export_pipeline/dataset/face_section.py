"""Which tables stand for what a document speaks of, where it has names of its own for them."""

from collections.abc import Mapping

from export_pipeline.dataset.mistakes import quoted
from export_pipeline.dataset.names import LONGEST_NAME
from export_pipeline.dataset.section import Section
from export_pipeline.dataset.tables import suggestion

# What each document has names for.
ROLES: Mapping[str, tuple[str, ...]] = {"bitmovin": ("sessions", "ads")}

# By document, then by role: the table's name.
Faces = Mapping[str, Mapping[str, str]]


def face_sections(document: Section) -> Faces:
    """The tables that `[faces.<document>]` names; what is wrong there is reported."""
    every = document.section("faces")
    if every is None:
        return {}
    every.allow(*ROLES)
    return {name: _tables(every.section(name), roles, document) for name, roles in ROLES.items()}


def _tables(section: Section | None, roles: tuple[str, ...], document: Section) -> Mapping[str, str]:
    if section is None:
        return {}
    section.allow(*roles)
    declared = document.values.get("tables")
    known = {name.casefold(): name for name in declared} if isinstance(declared, dict) else {}
    tables = {}
    for role in roles:
        name = section.text(role)
        if name is None:
            continue
        if name.casefold() in known:
            tables[role] = known[name.casefold()]
        elif known:
            near = suggestion(name if len(name) <= LONGEST_NAME else "", list(known.values()))
            section.mistakes.add((*section.place, role), f"there is no table {quoted(name)}{near}")
    return tables
