"""A record with its webhook's answer, which is kept for as long as its connector says."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import sqlalchemy as sa

from export_pipeline.contributions.sessions import Mode
from export_pipeline.contributions.webhook_requests import Reason
from export_pipeline.control.contribution_sessions import close_session, open_session
from export_pipeline.control.instances import enriched_record
from export_pipeline.store.contributed_records import ContributedRecord
from export_pipeline.store.data_connectors import DataConnector
from export_pipeline.store.database import reading, writing
from export_pipeline.store.entity_types import EntityType, change_entity_type, find_entity_type
from export_pipeline.store.webhook_answers import failures_of
from export_pipeline_tests.builders import ORGANIZATION
from export_pipeline_tests.contributing import (
    IDLE,
    a_record,
    contributed,
    stored_data_connector,
    stored_entity,
    there,
)
from export_pipeline_tests.contributions.webhook_servers import answering, saying, service
from export_pipeline_tests.control_databases import emptied

SAID = {"entity": {"area": 2, "capital": "London"}, "instance": {"now": True}}


def a_connector(control: sa.Engine, webhook: str | None, cache: int = 0) -> DataConnector:
    """With a record of its own."""
    connector = stored_data_connector(control, stored_entity(control), webhook=webhook, cache=cache)
    contributed(control, connector, a_record("GB", area=1, code="GB"))
    return connector


def entity_of(control: sa.Engine) -> EntityType:
    with reading(control) as connection:
        return find_entity_type(connection, ORGANIZATION, "country")


def read(control: sa.Engine, connector: DataConnector) -> ContributedRecord:
    return enriched_record(control, there(control, connector)["GB"], entity_of(control))


def test_without_a_webhook_it_is_as_it_was_contributed(control: sa.Engine) -> None:
    connector = a_connector(control, None)

    assert read(control, connector) == there(control, connector)["GB"]


@pytest.mark.usefixtures("loopback_allowed")
@pytest.mark.parametrize(("cache", "asked"), [(0, 2), (3600, 1)])
def test_what_a_webhook_says_is_merged_in_and_kept_as_long_as_it_may(
    control: sa.Engine, cache: int, asked: int
) -> None:
    with service(saying(SAID)) as running:
        connector = a_connector(control, running.url, cache)
        for _ in range(2):
            whole = read(control, connector)
            assert whole.entity == {"area": 2, "code": "GB", "capital": "London"}
            assert whole.instance == {"now": True}
        assert running.asked == ["/entity/country/GB"] * asked
    assert there(control, connector)["GB"].entity == {"area": 1, "code": "GB"}


@pytest.mark.usefixtures("loopback_allowed")
def test_one_that_fails_leaves_the_record_and_is_counted(control: sa.Engine) -> None:
    with service(answering(b"no", status="500 Broken")) as running:
        connector = a_connector(control, running.url, 3600)
        for _ in range(2):
            assert read(control, connector) == there(control, connector)["GB"]
        assert len(running.asked) == 2
    with reading(control) as connection:
        assert sum(failures_of(connection, connector.id).values()) == 2


POPULATED = {"properties": {"population": {"type": "integer"}}}


@pytest.mark.usefixtures("loopback_allowed")
def test_an_answer_that_does_not_fit_the_schema_leaves_the_record_and_is_counted(control: sa.Engine) -> None:
    with service(saying({"entity": {"population": "many"}})) as running:
        connector = stored_data_connector(
            control, stored_entity(control, schema=POPULATED), webhook=running.url, cache=3600
        )
        contributed(control, connector, a_record("GB", population=1))
        assert read(control, connector) == there(control, connector)["GB"]
    with reading(control) as connection:
        assert failures_of(connection, connector.id) == {Reason.UNFIT: 1}


@pytest.mark.usefixtures("loopback_allowed")
def test_one_that_fitted_another_schema_is_asked_for_anew(control: sa.Engine) -> None:
    with service(saying({"entity": {"population": "many"}})) as running:
        connector = a_connector(control, running.url, 3600)
        assert read(control, connector).entity["population"] == "many"
        entity = entity_of(control)
        with writing(control) as connection:
            change_entity_type(connection, entity.id, replace(entity.profile, schema=POPULATED))
        assert read(control, connector) == there(control, connector)["GB"]
        assert len(running.asked) == 2


def test_nobody_is_asked_whom_the_operator_does_not_allow(control: sa.Engine) -> None:
    with service(saying(SAID)) as running:
        connector = a_connector(control, running.url)
        assert read(control, connector) == there(control, connector)["GB"]
        assert running.asked == []
    with reading(control) as connection:
        assert failures_of(connection, connector.id) == {Reason.NOT_ALLOWED: 1}


@pytest.mark.usefixtures("loopback_allowed")
def test_who_reads_one_waits_for_no_session_that_is_closed(shared_postgres: sa.Engine) -> None:
    control = emptied(shared_postgres)
    with ThreadPoolExecutor(1) as pool, service(saying(SAID)) as running:
        connector = a_connector(control, running.url)
        read(control, connector)
        with writing(control) as connection:
            sid = open_session(connection, connector, Mode.REPLACE, IDLE)
            close_session(connection, connector, sid, commit=True, idle=IDLE)  # with what was said
            assert pool.submit(read, control, connector).result(timeout=10).instance == {"now": True}
