"""Organizations are made once, under a name that can stand in keys."""

import pytest
import sqlalchemy as sa

from export_pipeline.control.organizations import create_organization
from export_pipeline.errors import AlreadyExists, InvalidRequest
from export_pipeline.store.database import reading, writing
from export_pipeline.store.organizations import list_organizations


def test_an_organization_is_made_once(control: sa.Engine) -> None:
    with writing(control) as connection:
        create_organization(connection, "globex")
    with writing(control) as connection, pytest.raises(AlreadyExists, match="'globex' already"):
        create_organization(connection, "globex")


@pytest.mark.parametrize("name", ["", "A", "a/b", "1st", "a" * 64, "ümlaut"])
def test_a_name_that_could_not_stand_in_a_key_is_refused(control: sa.Engine, name: str) -> None:
    with writing(control) as connection, pytest.raises(InvalidRequest) as refused:
        create_organization(connection, name)
    assert refused.value.field == "name"
    with reading(control) as connection:
        assert name not in list_organizations(connection)
