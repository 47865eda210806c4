"""A reader's memory does not grow with the rows, on any engine."""

import subprocess
import sys

import pytest

from export_pipeline_tests.extract.engines import Engine

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

table = a_table(*(a_column(f"text_{n}") for n in range(18)), order_by=("text_3", "id"))
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
    done = subprocess.run(
        [sys.executable, "-c", READ, engine.url], capture_output=True, text=True, check=True
    )
    read, grown = map(int, done.stdout.split())
    assert read == ROWS
    assert grown < MEGABYTES
