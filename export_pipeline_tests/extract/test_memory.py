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


# A column `text_3` to sort by and seventeen more, in each engine's SQL for a million rows.
ROWS = 1_000_000
SERIES = "with recursive series (i) as (select 0 union all select i + 1 from series where i < 999999)"
MADE = {
    "duckdb": ("", "hash(i + {n})::varchar", "range(1000000) t(i)"),
    "sqlite": (SERIES, "hex((i + {n}) * 2654435761 % 4294967296)", "series"),
    "postgresql": ("", "md5((i + {n})::text)", "generate_series(0, 999999) i"),
}


@pytest.mark.slow
def test_a_million_rows_are_sorted_and_read_in_bounded_memory(engine: Engine) -> None:
    series, hashed, source = MADE[engine.name]
    texts = ", ".join(f"'text ' || {hashed.format(n=n)} as text_{n}" for n in range(18))
    seen = "'2013-01-01 00:30:00'" if engine.name == "sqlite" else "timestamptz '2013-01-01 00:30:00+00'"
    engine.run(f"create table events as {series} select i as id, {seen} as seen, {texts} from {source}", [])
    done = subprocess.run(
        [sys.executable, "-c", READ, engine.url], capture_output=True, text=True, check=True
    )
    read, grown = map(int, done.stdout.split())
    assert read == ROWS
    assert grown < MEGABYTES
