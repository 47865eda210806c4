"""Which hours are to be delivered again: those that were read before they changed, of standing exports."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
import sqlalchemy as sa

from export_pipeline.control.corrections import LONGEST_UNSETTLED, note_corrections
from export_pipeline.exports.export import Export
from export_pipeline.store.claims import claim
from export_pipeline.store.contributed_hours import TO_SETTLE
from export_pipeline.store.database import reading, writing
from export_pipeline.store.ledger import write_entry
from export_pipeline.store.schema import HOURS
from export_pipeline.store.waits import Wait, waits_of
from export_pipeline_tests.builders import FIRST_HOUR, a_ledger_entry, a_receipt
from export_pipeline_tests.contributed import a_record, an_entity_type, an_hour_changed
from export_pipeline_tests.contributing import contributed, stored_data_connector, stored_entity
from export_pipeline_tests.control_databases import stored_export

CHANGED = FIRST_HOUR + timedelta(days=1)
NOW = CHANGED + timedelta(days=1)
SECOND = timedelta(seconds=1)


def delivered(control: sa.Engine, export: Export, *, read_at: datetime) -> None:
    receipt = a_receipt(read_at=read_at).to_bytes().decode()
    with writing(control) as connection:
        write_entry(connection, a_ledger_entry(export_id=export.id, receipt=receipt))


def noted(control: sa.Engine, export: Export) -> list[Wait]:
    with reading(control) as connection:
        return [*waits_of(connection, export.id)]


def an_export(control: sa.Engine, **changes: Any) -> Export:
    return stored_export(control, tables=({"name": "Country"},), **changes)


def test_an_hour_that_was_read_before_it_changed_is_wanted_again(control: sa.Engine) -> None:
    export = an_export(control)
    an_hour_changed(control, an_entity_type(control), FIRST_HOUR, CHANGED)
    delivered(control, export, read_at=CHANGED - SECOND)

    assert note_corrections(control, None, NOW) == (1, NOW - TO_SETTLE)
    assert noted(control, export) == [Wait(export_id=export.id, hour=FIRST_HOUR, since=NOW, proven_since=NOW)]
    assert note_corrections(control, NOW - TO_SETTLE, NOW + SECOND) == (0, NOW + SECOND - TO_SETTLE)


def test_so_is_one_that_was_read_while_the_change_may_not_have_been_stored(control: sa.Engine) -> None:
    export = an_export(control)
    an_hour_changed(control, an_entity_type(control), FIRST_HOUR, CHANGED)
    delivered(control, export, read_at=CHANGED + TO_SETTLE - SECOND)

    assert note_corrections(control, None, CHANGED + TO_SETTLE) == (0, CHANGED)
    assert note_corrections(control, CHANGED, CHANGED + TO_SETTLE + SECOND)[0] == 1


def test_an_hour_that_goes_on_changing_is_wanted_again_now_and_then(control: sa.Engine) -> None:
    """An old record leaves it every twenty seconds: it never settles."""
    export = an_export(control)
    entity = an_entity_type(control)
    read_at, since, wanted = CHANGED, None, list[datetime]()
    delivered(control, export, read_at=read_at)
    for number in range(120):
        now = CHANGED + number * 20 * SECOND
        an_hour_changed(control, entity, FIRST_HOUR, now)
        hours, since = note_corrections(control, since, now)
        if hours:
            wanted.append(now)
            with writing(control) as connection:
                connection.execute(HOURS.delete())
            delivered(control, export, read_at=now)

    assert [(later - sooner) for sooner, later in pairwise([CHANGED, *wanted])] == [
        LONGEST_UNSETTLED + 20 * SECOND
    ] * 3
    last = note_corrections(control, since, now + TO_SETTLE + SECOND)
    assert last == (1, now + SECOND)


@pytest.mark.parametrize("mode", ["stream", "accrue", "replace"])
def test_what_a_session_takes_from_a_delivered_hour_is_corrected(control: sa.Engine, mode: str) -> None:
    entity = stored_entity(control)
    connector = stored_data_connector(control, entity, live=True)
    for vendor_id in ("GB", "IT"):
        a_record(control, connector.id, vendor_id, {}, since=FIRST_HOUR)
    export = an_export(control)
    delivered(control, export, read_at=CHANGED)
    _, since = note_corrections(control, None, datetime.now(UTC))

    contributed(control, connector, {"id": "GB", "name": "changed", "entity": {}}, mode=mode)

    now = datetime.now(UTC)
    hours, since = note_corrections(control, since, now)
    assert (hours, noted(control, export)) == (0, [])
    hours, since = note_corrections(control, since, now + TO_SETTLE + SECOND)
    assert (hours, [wait.hour for wait in noted(control, export)]) == (1, [FIRST_HOUR])
    assert note_corrections(control, since, now + 2 * TO_SETTLE)[0] == 0


def test_one_that_was_delivered_long_ago_settles_first(control: sa.Engine) -> None:
    """Whoever contributes all of a year anew changes each of its hours for a minute."""
    export = an_export(control)
    delivered(control, export, read_at=CHANGED - timedelta(days=1))
    entity = an_entity_type(control)
    since, wanted = None, list[datetime]()
    for number in range(20):
        now = CHANGED + number * 20 * SECOND
        if number < 4:
            an_hour_changed(control, entity, FIRST_HOUR, now)
        hours, since = note_corrections(control, since, now)
        wanted += [now] * hours

    assert wanted == [CHANGED + 10 * 20 * SECOND]


def test_one_that_is_read_while_it_goes_on_changing_is_not_wanted_twice(control: sa.Engine) -> None:
    export = an_export(control)
    delivered(control, export, read_at=CHANGED - timedelta(hours=1))
    an_hour_changed(control, an_entity_type(control), FIRST_HOUR, CHANGED)
    with writing(control) as connection:
        claim(connection, export.id, FIRST_HOUR, "a run", now=CHANGED, expires_at=NOW)

    hours, since = note_corrections(control, None, CHANGED + SECOND)
    assert hours == 0
    assert note_corrections(control, since, CHANGED + TO_SETTLE + SECOND)[0] == 1


def test_an_hour_whose_files_have_expired_is_not_brought_back(control: sa.Engine) -> None:
    export = an_export(control)
    an_hour_changed(control, an_entity_type(control), FIRST_HOUR, CHANGED)
    delivered(control, export, read_at=CHANGED - SECOND)
    with writing(control) as connection:
        connection.execute(HOURS.update().values(expired_at=CHANGED))

    assert note_corrections(control, None, NOW)[0] == 0
    assert noted(control, export) == []


def test_an_hour_that_was_read_after_it_changed_is_in_order(control: sa.Engine) -> None:
    export = an_export(control)
    an_hour_changed(control, an_entity_type(control), FIRST_HOUR, CHANGED)
    delivered(control, export, read_at=CHANGED + TO_SETTLE)

    assert note_corrections(control, None, NOW)[0] == 0
    assert noted(control, export) == []


def test_an_hour_that_is_not_delivered_is_nobodys_to_correct(control: sa.Engine) -> None:
    export = an_export(control)
    an_hour_changed(control, an_entity_type(control), FIRST_HOUR, CHANGED)

    assert note_corrections(control, None, NOW)[0] == 0
    assert noted(control, export) == []


def test_an_hour_that_a_run_may_have_read_before_it_changed_is_wanted_again(control: sa.Engine) -> None:
    """Its entry comes later, and nobody looks at the change any more by then."""
    export = an_export(control)
    an_hour_changed(control, an_entity_type(control), FIRST_HOUR, CHANGED)
    with writing(control) as connection:
        claim(connection, export.id, FIRST_HOUR, "a run", now=CHANGED, expires_at=NOW)

    assert note_corrections(control, None, NOW)[0] == 1
    assert [wait.proven_since for wait in noted(control, export)] == [NOW]


def test_what_was_requested_once_stays_what_it_was(control: sa.Engine) -> None:
    export = an_export(control, standing=False)
    an_hour_changed(control, an_entity_type(control), FIRST_HOUR, CHANGED)
    delivered(control, export, read_at=CHANGED - SECOND)

    assert note_corrections(control, None, NOW)[0] == 0


def test_an_entity_type_of_the_same_name_is_another_organizations(control: sa.Engine) -> None:
    export = an_export(control)
    an_hour_changed(control, an_entity_type(control, organization="others"), FIRST_HOUR, CHANGED)
    delivered(control, export, read_at=CHANGED - SECOND)

    assert note_corrections(control, None, NOW)[0] == 0
