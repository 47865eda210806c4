"""What keys allow."""

import pytest

from export_pipeline.control.privileges import Privilege, allows, privileges_of
from export_pipeline.errors import InvalidRequest


def test_privileges_are_known_by_their_names() -> None:
    assert privileges_of(["exports:view", "admin"]) == {Privilege.EXPORTS_VIEW, Privilege.ADMIN}


@pytest.mark.parametrize("names", [[], ["exports:veiw"]])
def test_none_and_an_unknown_one_are_refused_with_those_there_are(names: list[str]) -> None:
    with pytest.raises(InvalidRequest, match="connectors:edit") as refused:
        privileges_of(names)
    assert refused.value.field == "privileges"


@pytest.mark.parametrize(
    ("given", "asked", "allowed"),
    [
        ("exports:view", "exports:view", True),
        ("exports:edit", "exports:view", True),
        ("exports:view", "exports:edit", False),
        ("exports:edit", "connectors:view", False),
        ("data:contribute", "exports:view", False),
        ("exports:edit", "admin", False),
        *(("admin", privilege.value, True) for privilege in Privilege),
    ],
)
def test_who_may_change_a_thing_may_look_at_it(given: str, asked: str, allowed: bool) -> None:
    assert allows([Privilege(given)], Privilege(asked)) is allowed
