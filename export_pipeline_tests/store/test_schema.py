"""The control database's tables; `test_database.py` compares them with the migrations."""

import sqlalchemy as sa

from export_pipeline.store.schema import METADATA


def test_every_time_in_the_schema_is_a_moment() -> None:
    times = [
        column
        for table in METADATA.tables.values()
        for column in table.columns
        if isinstance(column.type, sa.DateTime)
    ]

    assert times == []
