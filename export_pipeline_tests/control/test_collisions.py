"""Which exports are refused for the keys of others; more of it is seen in test_exports and test_requests."""

from typing import Any

import pytest
import sqlalchemy as sa

from export_pipeline.connectors.lifecycle import ConnectorState
from export_pipeline.control.collisions import check_all_hours, check_tables, contexts_of, key_head
from export_pipeline.errors import InvalidRequest
from export_pipeline.exports.export import Export
from export_pipeline.store.connectors import StoredConnector
from export_pipeline.store.database import reading, writing
from export_pipeline.store.exports import add_export
from export_pipeline_tests.builders import ORGANIZATION, a_definition, an_export
from export_pipeline_tests.control_databases import stored_connector

TWO_TABLES = ({"name": "flights"}, {"name": "weather"})
HOUR = "$year-$month-$day-$hour.csv"


@pytest.fixture
def bucket(control: sa.Engine) -> StoredConnector:
    return stored_connector(control, state=ConnectorState.RUNNING)


def stored(control: sa.Engine, bucket: StoredConnector, *, head: bool, **changes: Any) -> Export:
    """An export as create_export stores it; without `head`, as programs did that knew of none."""
    definition = a_definition(**changes)
    contexts = contexts_of(an_export(definition=definition, slug="there"))
    with writing(control) as connection:
        return add_export(
            connection,
            organization=ORGANIZATION,
            slug="there",
            connector_id=bucket.id,
            definition=definition,
            standing=True,
            key_head=key_head(definition, contexts) if head else None,
        )


def collides(control: sa.Engine, bucket: StoredConnector, **changes: Any) -> bool:
    export = an_export(definition=a_definition(**changes), slug="new")
    with reading(control) as connection:
        try:
            check_all_hours(connection, bucket.id, export.definition, contexts_of(export))
        except InvalidRequest as error:
            return "'there'" in str(error)
    return False


@pytest.mark.parametrize("head", [True, False])
@pytest.mark.parametrize(
    ("there", "new", "expected"),
    [
        (f"a/{HOUR}", f"a/{HOUR}", True),
        (f"a/{HOUR}", f"A/{HOUR}", True),
        (f"straße/{HOUR}", f"STRASSE/{HOUR}", True),
        (f"a/{HOUR}", f"b/{HOUR}", False),
        (f"a/{HOUR}", f"a/b/{HOUR}", False),
        (f"20/{HOUR}", f"$hour/{HOUR}", True),
        (f"a{HOUR}", f"a2{HOUR}", False),
        (f"{HOUR}", f"{HOUR}/$hour", True),
        (f"$export/{HOUR}", f"$export/{HOUR}", False),
        (f"%/{HOUR}", f"a/{HOUR}", False),
        (f"_/{HOUR}", f"a/{HOUR}", False),
    ],
)
def test_heads_spare_looks_and_hide_nothing(
    control: sa.Engine, bucket: StoredConnector, head: bool, there: str, new: str, expected: bool
) -> None:
    stored(control, bucket, head=head, filename=there)

    assert collides(control, bucket, filename=new) is expected


def test_two_tables_may_not_share_a_key() -> None:
    export = an_export(
        definition=a_definition(tables=TWO_TABLES, filename="$table-$year-$month-$day-$hour.csv")
    )

    check_tables(export.definition, contexts_of(export))
    contexts = [contexts_of(export)[0]] * 2
    with pytest.raises(InvalidRequest, match="put a slash after"):
        check_tables(export.definition, contexts)
