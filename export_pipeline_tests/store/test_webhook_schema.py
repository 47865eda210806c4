"""What is kept of a connector's webhook goes with the connector, in either database."""

from datetime import UTC, datetime

import sqlalchemy as sa

from export_pipeline.contributions.webhook import Answer
from export_pipeline.contributions.webhook_requests import Reason
from export_pipeline.store.contribution_schema import DATA_CONNECTORS
from export_pipeline.store.database import reading, writing
from export_pipeline.store.webhook_answers import keep_answers
from export_pipeline.store.webhook_schema import WEBHOOK_ANSWERS, WEBHOOK_FAILURES
from export_pipeline_tests.contributed import a_data_connector, an_entity_type, webhook_of

NOW = datetime(2026, 1, 5, 10, 30, tzinfo=UTC)


def test_answers_and_failures_go_with_their_connector(control: sa.Engine) -> None:
    id_ = a_data_connector(control, an_entity_type(control))
    hook = webhook_of(id_, cache=1)
    with writing(control) as connection:
        keep_answers(connection, hook, {"a": Answer(entity={"x": 1}), "b": Reason.TOO_SLOW}, NOW)
        connection.execute(DATA_CONNECTORS.delete())
    with reading(control) as connection:
        for table in (WEBHOOK_ANSWERS, WEBHOOK_FAILURES):
            assert connection.scalar(sa.select(sa.func.count()).select_from(table)) == 0
