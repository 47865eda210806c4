"""Keys and indexes have names that migrations can call them by."""

from export_pipeline.store.schema import METADATA


def test_no_key_and_no_index_is_left_to_the_database_to_name() -> None:
    constraints = [one.name for table in METADATA.tables.values() for one in table.constraints]
    indexes = [one.name for table in METADATA.tables.values() for one in table.indexes]

    assert constraints
    assert indexes
    assert None not in constraints + indexes
