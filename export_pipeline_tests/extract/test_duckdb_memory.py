"""What DuckDB may use follows the snapshots, and what they need."""

from pathlib import Path

import duckdb
import pytest

from export_pipeline.errors import PermanentFailure, TransientFailure
from export_pipeline.extract.duckdb_memory import (
    MEGABYTES_PER_SNAPSHOT,
    MOST_MEGABYTES_PER_SNAPSHOT,
    Memory,
    exhausted,
)


def limit(database: duckdb.DuckDBPyConnection) -> str:
    ((text,),) = database.execute("select current_setting('memory_limit')").fetchall()
    return str(text)


def test_each_snapshot_adds_its_part_and_none_is_taken_away() -> None:
    with duckdb.connect() as database:
        memory = Memory(database)
        memory.add(1)
        one = limit(database)
        memory.add(1)
        two = limit(database)
        memory.add(-1)
        assert (one, two, limit(database)) == ("143.0 MiB", "286.1 MiB", two)


def test_what_others_needed_is_taken_back_when_nobody_reads_any_more() -> None:
    with duckdb.connect() as database:
        memory = Memory(database)
        memory.add(3)
        memory.add(-3)
        memory.add(1)
        assert limit(database) == "143.0 MiB"


def test_more_is_allowed_in_steps_until_it_is_all() -> None:
    with duckdb.connect() as database:
        memory = Memory(database)
        memory.add(1)
        allowed = [memory.megabytes]
        while memory.raise_above(allowed[-1]):
            allowed.append(memory.megabytes)
        assert allowed == [MEGABYTES_PER_SNAPSHOT, 600, MOST_MEGABYTES_PER_SNAPSHOT]
        assert limit(database) == "2.2 GiB"


def test_what_another_snapshot_was_allowed_meanwhile_is_not_raised_again() -> None:
    with duckdb.connect() as database:
        memory = Memory(database)
        assert memory.raise_above(MEGABYTES_PER_SNAPSHOT)
        assert memory.raise_above(MEGABYTES_PER_SNAPSHOT)
        assert memory.megabytes == 600


@pytest.mark.parametrize(
    ("text", "kind", "says"),
    [
        ("Out of Memory Error: could not allocate block", PermanentFailure, "leave the widest columns out"),
        ("limit was set by the 'max_temp_directory_size' setting", TransientFailure, "disk"),
    ],
)
def test_the_reader_is_told_the_cause_and_the_cure(text: str, kind: type, says: str) -> None:
    failure = exhausted(Path("flights.duckdb"), text)
    assert isinstance(failure, kind)
    assert says in str(failure)
    assert "flights.duckdb" in str(failure)
