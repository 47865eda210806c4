"""Which hours changed when, and whose they are."""

from datetime import timedelta

import sqlalchemy as sa

from export_pipeline.store.corrections import Change, changes_since
from export_pipeline.store.database import reading
from export_pipeline_tests.builders import FIRST_HOUR, ORGANIZATION
from export_pipeline_tests.contributed import an_entity_type, an_hour_changed

LATER = FIRST_HOUR + timedelta(days=1)


def test_changes_are_found_by_when_they_were_made(control: sa.Engine) -> None:
    mine, theirs = an_entity_type(control), an_entity_type(control, "city", organization="others")
    an_hour_changed(control, mine, FIRST_HOUR, LATER)
    an_hour_changed(control, theirs, FIRST_HOUR, LATER + timedelta(seconds=1))

    def found(since: float) -> list[tuple[str, str]]:
        with reading(control) as connection:
            changes = changes_since(connection, LATER + timedelta(seconds=since))
        return [(one.organization, one.eid) for one in changes]

    assert found(0) == [(ORGANIZATION, "country"), ("others", "city")]
    assert found(0.5) == [("others", "city")]
    assert found(2) == []
    with reading(control) as connection:
        one = changes_since(connection, LATER)[0]
    assert one == Change(
        organization=ORGANIZATION, eid="country", hour=FIRST_HOUR, changed_at=LATER, changing_since=LATER
    )
