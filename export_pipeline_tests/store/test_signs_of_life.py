"""Signs of life: the last one counts."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from export_pipeline.store.database import reading, writing
from export_pipeline.store.signs_of_life import SENSORS, last_seen, note_life

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


def test_the_last_sign_is_kept(control: sa.Engine) -> None:
    with reading(control) as connection:
        assert last_seen(connection, SENSORS) is None
    for later in (0, 5):
        with writing(control) as connection:
            note_life(connection, SENSORS, NOW + timedelta(seconds=later))
    with reading(control) as connection:
        assert last_seen(connection, SENSORS) == NOW + timedelta(seconds=5)
        assert last_seen(connection, "others") is None
