"""Whether it is the connector's fault that an hour could not be uploaded."""

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from export_pipeline.connectors.lifecycle import ConnectorState
from export_pipeline.errors import Conflict, ExportPipelineError, PermanentFailure, TransientFailure
from export_pipeline.exports.export import Export
from export_pipeline.pipeline.doubting import Doubt
from export_pipeline.store.connector_states import change_state
from export_pipeline.store.connectors import StoredConnector, get_connector
from export_pipeline.store.database import reading, writing
from export_pipeline_tests.installations import Installation

REFUSED = PermanentFailure("there is no such bucket")


@pytest.fixture
def control(installation: Installation) -> sa.Engine:
    return installation.deployment.control


@pytest.fixture
def export(installation: Installation) -> Export:
    return installation.export()


def move(control: sa.Engine, id_: str, state: ConnectorState) -> None:
    with writing(control) as connection:
        change_state(connection, id_, state, "So be it.", now=datetime.now(UTC))


def a_doubt(
    control: sa.Engine, export: Export, checked: list[str], then: ConnectorState | None = None
) -> Doubt:
    """A check of it notes that it was made, and leads to a state."""

    def check(connector: StoredConnector) -> None:
        checked.append(connector.id)
        if then is not None:
            move(control, connector.id, then)

    return Doubt(control, export.connector_id, check)


@pytest.mark.parametrize("error", [REFUSED, TransientFailure("no answer")], ids=["permanent", "transient"])
@pytest.mark.parametrize(
    ("then", "raised"), [(ConnectorState.FAILED, True), (ConnectorState.STARTING, True), (None, False)]
)
def test_what_the_check_says_decides(
    control: sa.Engine, export: Export, error: Exception, then: ConnectorState | None, raised: bool
) -> None:
    checked: list[str] = []
    assert a_doubt(control, export, checked, then).raised_by(error) is raised
    assert checked == [export.connector_id]


@pytest.mark.parametrize(
    "error",
    [Conflict("changed"), RuntimeError("a bug"), OSError("the disk is full"), ExportPipelineError("other")],
    ids=lambda error: type(error).__name__,
)
def test_what_is_not_the_stores_word_raises_none(
    control: sa.Engine, export: Export, error: Exception
) -> None:
    checked: list[str] = []
    assert not a_doubt(control, export, checked, ConnectorState.FAILED).raised_by(error)
    assert checked == []


def test_one_that_runs_no_more_is_not_checked_again(control: sa.Engine, export: Export) -> None:
    checked: list[str] = []
    doubt = a_doubt(control, export, checked, ConnectorState.FAILED)
    assert [doubt.raised_by(REFUSED) for _ in range(3)] == [True] * 3
    assert len(checked) == 1


def test_after_a_check_in_vain_the_next_hour_that_fails_only_asks_for_one(
    control: sa.Engine, export: Export
) -> None:
    checked: list[str] = []
    doubt = a_doubt(control, export, checked)
    started = datetime.now(UTC)
    assert [doubt.raised_by(REFUSED) for _ in range(2)] == [False] * 2
    assert len(checked) == 1
    with reading(control) as connection:
        due = get_connector(connection, export.connector_id).next_check_at
    assert due is not None
    assert due >= started
