"""What DuckDB says of how it would read a relation."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

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


def _origins(part: Mapping[str, Any]) -> Iterator[str]:
    if not part["children"]:
        yield part["name"]
    for child in part["children"]:
        yield from _origins(child)
