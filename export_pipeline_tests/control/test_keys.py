"""Keys: made, presented, rotated, revoked; their texts are kept nowhere."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from export_pipeline.control.keys import NewKey, caller_with, create_key, revoke_key, rotate_key
from export_pipeline.control.privileges import Privilege
from export_pipeline.errors import Forbidden, InvalidRequest, NotFound, Unauthenticated, WrongState
from export_pipeline.store.api_keys import get_key, list_keys
from export_pipeline.store.database import reading, writing
from export_pipeline.store.organizations import ensure_organization
from export_pipeline.store.schema import API_KEYS


@pytest.fixture
def organizations(control: sa.Engine) -> sa.Engine:
    with writing(control) as connection:
        for name in ("acme", "globex", "initech"):
            ensure_organization(connection, name)
    return control


def made(engine: sa.Engine, *privileges: str, **changes: object) -> NewKey:
    given = {"organization": "acme", "name": "nightly", "privileges": privileges or ("admin",), **changes}
    with writing(engine) as connection:
        return create_key(connection, **given)  # type: ignore[arg-type]


def test_a_presented_key_says_who_asks(organizations: sa.Engine) -> None:
    new = made(organizations, "exports:view", also=["globex"])

    with reading(organizations) as connection:
        caller = caller_with(connection, new.text, None)
        elsewhere = caller_with(connection, new.text, "globex")

    assert (caller.organization, elsewhere.organization) == ("acme", "globex")
    caller.require(Privilege.EXPORTS_VIEW)
    with pytest.raises(Forbidden, match="exports:edit"):
        caller.require(Privilege.EXPORTS_EDIT)


@pytest.mark.parametrize("text", [None, "", "ep-guessed", "\udcff", "ä" * 4096])
def test_who_is_not_known_is_refused(organizations: sa.Engine, text: str | None) -> None:
    made(organizations)
    with reading(organizations) as connection, pytest.raises(Unauthenticated):
        caller_with(connection, text, None)


@pytest.mark.parametrize("organization", ["initech", "nobody", "ACME"])
def test_an_organization_that_was_not_given_is_not_there(organizations: sa.Engine, organization: str) -> None:
    new = made(organizations, also=["globex"])
    with reading(organizations) as connection, pytest.raises(NotFound):
        caller_with(connection, new.text, organization)


def test_the_text_is_kept_nowhere(organizations: sa.Engine) -> None:
    new = made(organizations)

    with reading(organizations) as connection:
        (row,) = connection.execute(sa.select(API_KEYS))
    assert new.text not in str(row)
    assert new.text not in repr(new)
    assert made(organizations).text != new.text


def test_a_rotated_key_ends_when_its_grace_is_over(organizations: sa.Engine) -> None:
    old = made(organizations, "exports:edit", also=["globex"])

    with writing(organizations) as connection:
        new = rotate_key(connection, "acme", old.key.id, grace=timedelta(hours=1))
        expires = get_key(connection, old.key.id).expires_at
        assert caller_with(connection, old.text, None).key.id == old.key.id
        caller = caller_with(connection, new.text, "globex")

    assert expires is not None
    assert timedelta(minutes=59) < expires - datetime.now(UTC) <= timedelta(hours=1)
    assert caller.privileges == {Privilege.EXPORTS_EDIT}
    with writing(organizations) as connection:
        rotate_key(connection, "acme", new.key.id, grace=timedelta(0))
        with pytest.raises(Unauthenticated, match="expired"):
            caller_with(connection, new.text, None)


def test_a_key_whose_grace_is_running_is_not_rotated_again(organizations: sa.Engine) -> None:
    """The one in its place is, also if it ends some day by itself."""
    old = made(organizations, expires_at=datetime.now(UTC) + timedelta(days=30))

    with writing(organizations) as connection:
        new = rotate_key(connection, "acme", old.key.id, grace=timedelta(hours=1))
        with pytest.raises(WrongState, match=r"was rotated at .* rotate the key that was made in its place"):
            rotate_key(connection, "acme", old.key.id, grace=timedelta(0))
        assert caller_with(connection, old.text, None).key.id == old.key.id
        newer = rotate_key(connection, "acme", new.key.id, grace=timedelta(hours=1))

    assert newer.key.expires_at == old.key.expires_at
    with reading(organizations) as connection:
        assert len(list_keys(connection, "acme")) == 3


def test_who_rotates_a_key_at_once_with_others_gets_the_only_new_one(organizations: sa.Engine) -> None:
    old = made(organizations)
    together = threading.Barrier(4)

    def rotate(_number: int) -> str | None:
        together.wait()
        with writing(organizations) as connection:
            try:
                return rotate_key(connection, "acme", old.key.id, grace=timedelta(0)).key.id
            except WrongState:
                return None

    with ThreadPoolExecutor(4) as threads:
        new = [id_ for id_ in threads.map(rotate, range(4)) if id_ is not None]

    assert len(new) == 1
    with reading(organizations) as connection:
        assert {key.id for key in list_keys(connection, "acme")} == {old.key.id, *new}


def test_a_rotation_prolongs_no_key(organizations: sa.Engine) -> None:
    soon = datetime.now(UTC) + timedelta(minutes=5)
    old = made(organizations, expires_at=soon)

    with writing(organizations) as connection:
        new = rotate_key(connection, "acme", old.key.id, grace=timedelta(hours=1))
        assert get_key(connection, old.key.id).expires_at == soon
    assert new.key.expires_at == soon


def test_a_revoked_key_is_refused_and_listed(organizations: sa.Engine) -> None:
    new = made(organizations)
    with writing(organizations) as connection:
        first = revoke_key(connection, "acme", new.key.id)
        assert revoke_key(connection, "acme", new.key.id).revoked_at == first.revoked_at
        with pytest.raises(Unauthenticated, match="revoked"):
            caller_with(connection, new.text, None)
        with pytest.raises(WrongState, match="was revoked; make a new one"):
            rotate_key(connection, "acme", new.key.id, grace=timedelta(0))
        assert [key.id for key in list_keys(connection, "acme")] == [new.key.id]


def test_anothers_key_is_not_there(organizations: sa.Engine) -> None:
    new = made(organizations, also=["globex"])
    with writing(organizations) as connection, pytest.raises(NotFound, match="list of keys"):
        revoke_key(connection, "globex", new.key.id)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"privileges": ["all"]}, "privileges"),
        ({"expires_at": datetime(2020, 1, 1, tzinfo=UTC)}, "expires_at"),
    ],
)
def test_what_cannot_be_is_refused_by_field(
    organizations: sa.Engine, changes: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        made(organizations, **changes)
    assert refused.value.field == field
    with reading(organizations) as connection:
        assert not list_keys(connection, "acme")


@pytest.mark.parametrize("where", [{"organization": "nobody"}, {"also": ["nobody"]}])
def test_a_key_for_an_organization_that_is_none_is_refused(
    organizations: sa.Engine, where: dict[str, object]
) -> None:
    with pytest.raises(NotFound, match="organization create nobody"):
        made(organizations, **where)
