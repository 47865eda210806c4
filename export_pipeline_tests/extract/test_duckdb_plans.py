"""What a plan of DuckDB's reads: tables of the file, or what is outside it."""

from pathlib import Path

import duckdb
import pytest

from export_pipeline.extract.duckdb_plans import reads_outside

INSIDE = [
    "select * from a where id > 3",
    "select * from a join b using (id)",
    "select * from a where id in (select id from b)",
    "select (select max(id) from b where b.id < a.id) from a",
    "with c as materialized (select * from a) select * from c one, c another",
    "with recursive r as (select 1 as i union all select i + 1 from r where i < 3) select * from r",
    "select * from range(3)",
    "select 1",
]
OUTSIDE = [
    "select * from '{folder}/c.parquet'",
    "select * from '{folder}/c.csv'",
    "select * from read_text('{folder}/c.csv')",
    "select id from a union all select id from '{folder}/c.parquet'",
    "select * from a where id in (select id from '{folder}/c.csv')",
]


@pytest.mark.parametrize(("query", "outside"), [(q, False) for q in INSIDE] + [(q, True) for q in OUTSIDE])
def test_files_are_outside(tmp_path: Path, query: str, outside: bool) -> None:
    with duckdb.connect() as connection:
        connection.execute("create table a as select i as id from range(10) t(i)")
        connection.execute("create table b as from a")
        for ending in ("parquet", "csv"):
            connection.execute(f"copy a to '{tmp_path}/c.{ending}'")
        ((_, plan),) = connection.execute(f"explain (format json) {query.format(folder=tmp_path)}").fetchall()
    assert reads_outside(plan) is outside
