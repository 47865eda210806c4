"""What a plan of DuckDB's reads: tables of the file, or what is outside it; and whether twice the same."""

from pathlib import Path

import duckdb
import pytest
import sqlalchemy as sa

from export_pipeline.extract.duckdb_dialect import compiled
from export_pipeline.extract.duckdb_plans import is_steady, reads_outside, steadiness

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


STEADY = [
    "select id, t, id + 1 as random, id as error from a",
    "select id, 'random()' as t from a",
    "select id, any_value(t) as t from a group by id",
    "select id, t from a qualify row_number() over (partition by t order by id) = 1",
    "with recursive r as (select 1 as id union all select id + 1 from r where id < 3) select * from r",
    "select id, list_transform([t], lambda x: x || '!')[1] as t from a, range(3)",
    "select id, t from a where id < epoch(now())",
    "pivot a on id in (1, 2) using count(*)",
]
UNSTEADY = [
    "select id, random()::varchar as t from a",
    "select uuid() as id, t from a",
    "select chosen(id) as id, t from a",
    "select id, case when random() < 0.5 then t end as t from a",
    "select id, t from a where random() < 0.5",
    "select id, t from a where id in (select id from a order by random() limit 3)",
    "select id, list_transform([t], lambda x: x || random())[1] as t from a",
    "select a.id, a.t from a join a b on a.id = b.id and random() < 0.5",
    "select id, t from a using sample 50 percent",
    "select id, t from a where id in (select id from a tablesample reservoir(3))",
]


@pytest.mark.parametrize(("query", "steady"), [(q, True) for q in STEADY] + [(q, False) for q in UNSTEADY])
def test_what_is_drawn_by_lot_is_not_steady(query: str, steady: bool) -> None:
    with duckdb.connect() as connection:
        connection.execute("create table a as select i as id, 'a' || i as t from range(10) t(i)")
        connection.execute("create macro chosen(x) as x + floor(random() * 3)")
        connection.execute(f"create view seen as {query}")
        connection.execute("create view seen_through as select 1 as one, * from seen")
        asked = steadiness(sa.select(sa.table("seen_through", sa.column("one")).c.one))
        ((answer,),) = connection.execute(*compiled(asked)).fetchall()
    assert is_steady(answer) is steady


def test_of_a_plan_that_cannot_be_written_down_nobody_knows(tmp_path: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"copy (select 1 as id) to '{tmp_path}/c.parquet'")
        connection.execute(f"create view seen as select * from '{tmp_path}/c.parquet'")
        asked = steadiness(sa.select(sa.table("seen", sa.column("id")).c.id))
        ((answer,),) = connection.execute(*compiled(asked)).fetchall()
    assert not is_steady(answer)
