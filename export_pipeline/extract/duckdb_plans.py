"""What DuckDB says of how it would read a relation."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from export_pipeline.extract.duckdb_dialect import compiled

# Where rows come from in a plan, if they come from the file itself or from nowhere. All else, such as
# PARQUET_SCAN or READ_CSV, is outside: what it reads is in no transaction.
_INSIDE = frozenset(
    {
        "SEQ_SCAN", "TABLE_SCAN", "INDEX_SCAN", "COLUMN_DATA_SCAN", "CTE_SCAN", "REC_CTE_SCAN", "DELIM_SCAN",
        "DUMMY_SCAN", "EMPTY_RESULT", "RANGE", "GENERATE_SERIES",
    }
)  # fmt: skip


def reads_outside(plan: str) -> bool:
    """Whether a plan, as `EXPLAIN (FORMAT json)` has it, reads anything but the database's own tables."""
    return any(name.strip() not in _INSIDE for part in json.loads(plan) for name in _origins(part))


def steadiness(rows: sa.Select[Any]) -> sa.Select[Any]:
    """Asks for what `is_steady` looks at. `EXPLAIN` leaves out what is computed, where it has a name."""
    sql, _ = compiled(sa.select(*rows.selected_columns))
    functions = sa.func.duckdb_functions().table_valued("function_name", "stability")
    volatile = sa.select(sa.func.list(functions.c.function_name)).where(
        functions.c.stability == sa.literal_column("'VOLATILE'")
    )
    plan = sa.cast(sa.func.json_serialize_plan(sql), sa.JSON())
    return sa.select(
        sa.func.json_object(
            sa.literal_column("'plan'"), plan, sa.literal_column("'volatile'"), volatile.scalar_subquery()
        )
    )


def is_steady(answer: str) -> bool:
    """Whether the same rows would come again: none is drawn by lot, and no value of them is.

    Of a plan that DuckDB cannot write down nobody knows.
    """
    looked_at = json.loads(answer)
    lots = {*looked_at["volatile"], "LOGICAL_SAMPLE"}
    return not looked_at["plan"]["error"] and lots.isdisjoint(_done(looked_at["plan"]["plans"]))


def _done(part: Any) -> Iterator[str]:
    """The functions and the operators in a part of a plan. What they are called there is no matter."""
    if isinstance(part, Mapping):
        if "qname" in part:
            yield part["qname"]["path"][-1]
        if isinstance(part.get("type"), str):
            yield part["type"]
    if isinstance(part, Mapping | list):
        for inner in part.values() if isinstance(part, Mapping) else part:
            yield from _done(inner)


def _origins(part: Mapping[str, Any]) -> Iterator[str]:
    if not part["children"]:
        yield part["name"]
    for child in part["children"]:
        yield from _origins(child)
