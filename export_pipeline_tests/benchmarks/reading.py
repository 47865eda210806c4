"""One hour read by a reader into Arrow, in a process of its own: prints a line of JSON.

Arguments: the source's URL, and `best` for the reader that it gets, or `floor` for SQLAlchemy's.
"""

import json
import sys
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime

import pandas as pd
import sqlalchemy as sa

from export_pipeline.dataset.tables import Column, Table
from export_pipeline.dataset.types import ColumnType
from export_pipeline.extract.query import rows_of_hour
from export_pipeline.extract.schema import arrow_schema
from export_pipeline.extract.sources import STATEMENT_LIMIT, open_source
from export_pipeline.extract.sqlalchemy import SqlalchemySource
from export_pipeline.filters.tree import EVERY_ROW
from export_pipeline.windows import HourWindow
from export_pipeline_tests.benchmarks.measured import Cost, measured
from export_pipeline_tests.benchmarks.source import COLUMNS

TABLE = Table(
    name="rows",
    relation="rows",
    columns=tuple(
        Column(name=name, display_name=name, type=ColumnType.parse(type_)) for name, type_ in COLUMNS.items()
    ),
    time_column="happened_at",
    order_by=("happened_at", "id"),
)
HOUR = HourWindow(datetime(2026, 1, 1, tzinfo=UTC))
HOUR_BEFORE = HourWindow(datetime(2025, 12, 31, 23, tzinfo=UTC))


def read(url: str, reader: str) -> tuple[int, Cost]:
    """Its rows, and what they cost. An hour without rows is read first, which imports what there is to; but
    for pandas, which Arrow imports when it first makes an array of Python's values."""
    assert pd.__version__
    source = (
        open_source(url) if reader == "best" else SqlalchemySource(sa.make_url(url), limit=STATEMENT_LIMIT)
    )
    schema = arrow_schema(TABLE.columns)
    with closing(source):
        for hour in (HOUR_BEFORE, HOUR):
            rows = rows_of_hour(TABLE, TABLE.columns, hour, EVERY_ROW, None)
            with source.snapshot() as snapshot, measured() as cost:
                count = sum(batch.num_rows for batch in snapshot.batches(rows, schema))
    return count, cost


if __name__ == "__main__":
    count, cost = read(sys.argv[1], sys.argv[2])
    print(json.dumps({"rows": count, **asdict(cost)}))
