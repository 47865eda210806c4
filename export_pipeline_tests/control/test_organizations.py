"""Organizations are made once, under a name that can stand in keys."""

import pytest
import sqlalchemy as sa

from export_pipeline.connectors.direct_download import DIRECT_DOWNLOAD
from export_pipeline.connectors.lifecycle import ConnectorState
from export_pipeline.control.organizations import create_organization
from export_pipeline.errors import AlreadyExists, InvalidRequest
from export_pipeline.store.connectors import find_connector
from export_pipeline.store.database import reading, writing
from export_pipeline.store.organizations import list_organizations
from export_pipeline_tests.control_databases import KEY


def test_an_organization_is_made_once(control: sa.Engine) -> None:
    with writing(control) as connection:
        create_organization(connection, KEY, "globex")
    with writing(control) as connection, pytest.raises(AlreadyExists, match="'globex' already"):
        create_organization(connection, KEY, "globex")


def test_a_new_organization_can_be_delivered_to_at_once(control: sa.Engine) -> None:
    with writing(control) as connection:
        create_organization(connection, KEY, "globex")
        way_out = find_connector(connection, "globex", DIRECT_DOWNLOAD)
    assert way_out.state is ConnectorState.RUNNING


@pytest.mark.parametrize("name", ["", "A", "a/b", "1st", "a" * 64, "ümlaut"])
def test_a_name_that_could_not_stand_in_a_key_is_refused(control: sa.Engine, name: str) -> None:
    with writing(control) as connection, pytest.raises(InvalidRequest) as refused:
        create_organization(connection, KEY, name)
    assert refused.value.field == "name"
    with reading(control) as connection:
        assert name not in list_organizations(connection)
