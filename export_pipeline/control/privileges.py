"""What an API key allows."""

from collections.abc import Iterable
from enum import StrEnum

from export_pipeline.dataset.tables import suggestion
from export_pipeline.errors import InvalidRequest


class Privilege(StrEnum):
    """One thing that a key may allow; `admin` allows all of them, and keys and the audit log besides."""

    EXPORTS_VIEW = "exports:view"
    EXPORTS_EDIT = "exports:edit"
    CONNECTORS_VIEW = "connectors:view"
    CONNECTORS_EDIT = "connectors:edit"
    DATA_CONTRIBUTE = "data:contribute"
    ADMIN = "admin"


# Who may change a thing may look at it.
IMPLIED = {
    Privilege.EXPORTS_EDIT: frozenset({Privilege.EXPORTS_VIEW}),
    Privilege.CONNECTORS_EDIT: frozenset({Privilege.CONNECTORS_VIEW}),
    Privilege.ADMIN: frozenset(Privilege),
}


def privileges_of(names: Iterable[str]) -> frozenset[Privilege]:
    """The privileges of those names. InvalidRequest when there are none, or one is unknown."""
    given = list(names)
    known = [privilege.value for privilege in Privilege]
    for name in given:
        if name not in known:
            raise InvalidRequest(
                f"privileges: there is no privilege {name!r}{suggestion(name, known)}; there are"
                f" {', '.join(known)}",
                field="privileges",
            )
    if not given:
        raise InvalidRequest(
            f"privileges: a key without one allows nothing; give some of {', '.join(known)}",
            field="privileges",
        )
    return frozenset(map(Privilege, given))


def allows(given: Iterable[Privilege], asked: Privilege) -> bool:
    """Whether the privileges allow what is asked, by name or by what they imply."""
    return any(asked is one or asked in IMPLIED.get(one, ()) for one in given)
