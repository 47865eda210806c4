"""Entity types: what is refused, and what is noted."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from export_pipeline.contributions.entity_types import entity_profile
from export_pipeline.contributions.mistakes import Rejected
from export_pipeline.control.data_connectors import remove_data_connector
from export_pipeline.control.entity_types import create_entity_type, remove_entity_type, replace_entity_type
from export_pipeline.errors import AlreadyExists, InUse, NotFound
from export_pipeline.store.audit import audit_page
from export_pipeline.store.data_connectors import list_data_connectors
from export_pipeline.store.database import reading, writing
from export_pipeline.store.entity_types import find_entity_type, list_entity_types
from export_pipeline.store.exports import hide_export
from export_pipeline.store.organizations import ensure_organization
from export_pipeline.store.pages import PageRequest
from export_pipeline_tests.builders import ORGANIZATION
from export_pipeline_tests.contributing import COUNTRIES, stored_data_connector, stored_entity
from export_pipeline_tests.control_databases import emptied, somebody_waits, stored_export

PROFILE = entity_profile(COUNTRIES)


def created(control: sa.Engine, eid: str, *tables: str) -> None:
    with writing(control) as connection:
        ensure_organization(connection, ORGANIZATION)
        create_entity_type(connection, organization=ORGANIZATION, eid=eid, profile=PROFILE, tables=tables)


@pytest.mark.parametrize("eid", ["ab", "Country", "1country", "a" * 33])
def test_an_id_that_will_not_do_is_refused(control: sa.Engine, eid: str) -> None:
    with pytest.raises(Rejected, match="slug: "):
        created(control, eid)


@pytest.mark.parametrize("table", ["flights", "Flights"])
def test_the_name_of_a_table_is_refused(control: sa.Engine, table: str) -> None:
    with pytest.raises(Rejected, match="slug: is the name of a table"):
        created(control, "flights", "airports", table)
    created(control, "flights", "airports")


def test_one_of_a_name_is_enough(control: sa.Engine) -> None:
    created(control, "country")
    with pytest.raises(AlreadyExists):
        created(control, "country")


def test_what_is_not_there_is_not_changed(control: sa.Engine) -> None:
    stored_entity(control, organization="other")
    with writing(control) as connection:
        with pytest.raises(NotFound):
            replace_entity_type(connection, organization=ORGANIZATION, eid="country", profile=PROFILE)
        with pytest.raises(NotFound):
            remove_entity_type(connection, ORGANIZATION, "country")
        assert [one.eid for one in list_entity_types(connection, "other")] == ["country"]


def test_it_goes_with_its_connectors(control: sa.Engine) -> None:
    entity = stored_entity(control)
    stored_data_connector(control, entity)
    stored_data_connector(control, entity, "factbook")
    with writing(control) as connection:
        remove_entity_type(connection, ORGANIZATION, "country")
        assert list_data_connectors(connection, entity) == []
        with pytest.raises(NotFound):
            find_entity_type(connection, ORGANIZATION, "country")


def test_it_goes_also_while_a_connector_of_it_does(shared_postgres: sa.Engine) -> None:
    control = emptied(shared_postgres)
    entity = stored_entity(control)
    for cid in ("wikipedia", "factbook"):
        stored_data_connector(control, entity, cid)

    def removed() -> None:
        with writing(control) as connection:
            remove_entity_type(connection, ORGANIZATION, "country")

    with ThreadPoolExecutor(1) as pool:
        with writing(control) as connection:
            remove_data_connector(connection, ORGANIZATION, "country", "wikipedia")
            removing = pool.submit(removed)
            somebody_waits(control)
        removing.result()

    with reading(control) as connection:
        assert list_entity_types(connection, ORGANIZATION) == []


def test_one_that_is_exported_stays_and_says_by_whom(control: sa.Engine) -> None:
    stored_entity(control)
    export = stored_export(control, tables=({"name": "Country"},))
    with writing(control) as connection, pytest.raises(InUse, match="exported by flights; delete"):
        remove_entity_type(connection, ORGANIZATION, "country")

    with writing(control) as connection:
        hide_export(connection, export.id)
        remove_entity_type(connection, ORGANIZATION, "country")


def test_every_change_is_noted(control: sa.Engine) -> None:
    created(control, "country")
    other = entity_profile(COUNTRIES | {"name": "All of them"})
    with writing(control) as connection:
        replace_entity_type(connection, organization=ORGANIZATION, eid="country", profile=other)
        remove_entity_type(connection, ORGANIZATION, "country")

    with reading(control) as connection:
        noted = [*reversed(audit_page(connection, ORGANIZATION, PageRequest()).items)]
    assert [(one.action, one.subject) for one in noted] == [
        ("entity_type.create", "country"),
        ("entity_type.replace", "country"),
        ("entity_type.delete", "country"),
    ]
    assert noted[1].before is not None
    assert noted[1].after is not None
    assert (noted[1].before["name"], noted[1].after["name"]) == ("Countries", "All of them")
