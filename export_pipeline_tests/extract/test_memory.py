"""A reader's memory does not grow with the rows, however wide they are, on any engine."""

import secrets
import subprocess
import sys

import pytest

from export_pipeline.dataset.types import Kind
from export_pipeline_tests.extract.engines import Engine
from export_pipeline_tests.extract.test_every_reader import SEEN, load

MEGABYTES = 300

# In a process of its own, which samples itself: what other tests left behind does not count.
READ = """
import sys, threading, psutil
from export_pipeline.extract.query import rows_of_hour
from export_pipeline.extract.schema import arrow_schema
from export_pipeline.extract.sources import open_source
from export_pipeline.filters.tree import EVERY_ROW
from export_pipeline_tests.builders import a_column, an_hour
from export_pipeline_tests.extract.test_every_reader import a_table

table = a_table(*(a_column(f"text_{n}") for n in range(int(sys.argv[2]))), order_by=(sys.argv[3], "id"))
rows = rows_of_hour(table, table.columns, an_hour(), EVERY_ROW, None)
process, peak, ended = psutil.Process(), 0, threading.Event()
before = process.memory_info().rss

def sample():
    global peak
    while not ended.wait(0.005):
        peak = max(peak, process.memory_info().rss)

sampler = threading.Thread(target=sample)
sampler.start()
with open_source(sys.argv[1]).snapshot() as snapshot:
    read = sum(batch.num_rows for batch in snapshot.batches(rows, arrow_schema(table.columns)))
ended.set()
sampler.join()
print(read, (peak - before) // 1_000_000)
"""


ROWS = 1_000_000


@pytest.mark.slow
def test_a_million_rows_are_sorted_and_read_in_bounded_memory(engine: Engine) -> None:
    engine.run(f"create table events as {engine.kind.million}", [])
    read, grown = read_in_another_process(engine, texts=18, ordered_by="text_3")
    assert read == ROWS
    assert grown < MEGABYTES


# Of DuckDB what `duckdb_memory` allows it, and a slice of rows. SQLite holds a row of each piece it sorted,
# MariaDB's driver a hundred rows.
OF_WIDE_ROWS = {
    "duckdb": {20_000: 1_000, 1_000_000: 2_700},
    "sqlite": {1_000_000: 400},
    "mariadb": {1_000_000: 500},
}


@pytest.mark.slow
@pytest.mark.parametrize(("width", "doublings"), [(20_000, 15), (1_000_000, 9)])
def test_wide_rows_are_sorted_and_read_in_bounded_memory(engine: Engine, width: int, doublings: int) -> None:
    text = engine.types[Kind.STRING]
    load(engine, [(0, SEEN, secrets.token_hex(width // 2))], text_0=text)
    for number in range(doublings):
        engine.run(f"insert into events select id + {2**number}, seen, text_0 from events", [])
    read, grown = read_in_another_process(engine, texts=1, ordered_by="seen")
    assert read == 2**doublings
    assert grown < OF_WIDE_ROWS.get(engine.name, {}).get(width, MEGABYTES)


def read_in_another_process(engine: Engine, *, texts: int, ordered_by: str) -> tuple[int, int]:
    """How many rows were read, and by how many megabytes the memory grew."""
    done = subprocess.run(
        [sys.executable, "-c", READ, engine.url, str(texts), ordered_by],
        capture_output=True,
        text=True,
        check=True,
    )
    read, grown = map(int, done.stdout.split())
    return read, grown
