"""Objects that were begun where nobody may look: noted once, forgotten when they are known or nobody's."""

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from export_pipeline.exports.export import Export
from export_pipeline.store.begun_objects import forget_begun, note_begun, settle_begun, withdraw_begun
from export_pipeline.store.database import writing
from export_pipeline_tests.builders import an_hour, moment
from export_pipeline_tests.control_databases import stored_export

NOW = moment("2013-01-03 00:00")
HOUR = an_hour(0).start


@pytest.fixture
def export(control: sa.Engine) -> Export:
    return stored_export(control)


def new(control: sa.Engine, export: Export, key: str = "a.csv", place: str = "here", hour: int = 0) -> bool:
    with writing(control) as connection:
        return note_begun(connection, export.id, an_hour(hour).start, place, key, now=NOW)


def test_an_object_is_new_once_in_each_hour_and_place(control: sa.Engine, export: Export) -> None:
    assert new(control, export)
    assert not new(control, export)
    assert new(control, export, key="b.csv")
    assert new(control, export, place="elsewhere")
    assert new(control, export, hour=1)


def test_a_note_that_cannot_be_made_is_not_taken_for_one_that_was(control: sa.Engine) -> None:
    with pytest.raises(IntegrityError), writing(control) as connection:
        note_begun(connection, "no-export", HOUR, "here", "a.csv", now=NOW)


def test_one_that_was_withdrawn_is_new_and_the_others_are_not(control: sa.Engine, export: Export) -> None:
    for place in ("here", "elsewhere"):
        new(control, export, place=place)
    with writing(control) as connection:
        withdraw_begun(connection, export.id, HOUR, "here", "a.csv")

    assert new(control, export)
    assert not new(control, export, place="elsewhere")


def test_what_the_ledger_names_in_a_place_is_settled_there_and_the_rest_is_not(
    control: sa.Engine, export: Export
) -> None:
    """What was cut off elsewhere lies there still, whatever was delivered here since: it is ours for whoever
    goes back.
    """
    for key, place in (("a-r1.csv", "here"), ("a-r1.csv", "elsewhere"), ("a-r2.csv", "here")):
        new(control, export, key=key, place=place)
    with writing(control) as connection:
        settle_begun(connection, export.id, HOUR, "here", ["a-r1.csv", "receipt.json"])

    assert new(control, export, key="a-r1.csv")
    assert not new(control, export, key="a-r1.csv", place="elsewhere")
    assert not new(control, export, key="a-r2.csv")


def test_nothing_is_kept_of_an_export_that_is_gone(control: sa.Engine, export: Export) -> None:
    new(control, export)
    new(control, export, hour=1)
    with writing(control) as connection:
        forget_begun(connection, export.id)

    assert new(control, export)
    assert new(control, export, hour=1)
