"""One hour of synthetic rows: twenty mixed columns, in a DuckDB file, and its declaration."""

from pathlib import Path

import duckdb

COLUMNS = {
    "happened_at": "timestamp",
    "id": "int64",
    **{f"number_{n}": "int32" for n in range(1, 5)},
    **{f"measure_{n}": "float64" for n in range(1, 5)},
    **{f"text_{n}": "string" for n in range(1, 7)},
    "flag": "boolean",
    "digest": "string",
    "amount": "decimal(12,2)",
    "changed_at": "timestamp",
}


def make(file: Path, rows: int) -> None:
    """A table `rows` with that many rows, all within the first hour of 2026; one in ten texts is NULL."""
    numbers = ", ".join(f"((i * {n} + 7) % 100003)::INTEGER AS number_{n}" for n in range(1, 5))
    measures = ", ".join(f"(hash(i * {n}) % 1000000) / 1000.0 AS measure_{n}" for n in range(1, 5))
    texts = ", ".join(
        f"CASE WHEN hash(i + {n}) % 10 > 0 THEN 'text, no. ' || (hash(i + {n}) % 9973) END AS text_{n}"
        for n in range(1, 7)
    )
    with duckdb.connect(str(file)) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(
            f"""
            CREATE TABLE rows AS SELECT
                TIMESTAMPTZ '2026-01-01 00:00:00+00'
                    + to_microseconds((i::HUGEINT * 3600000000 // {rows})::BIGINT) AS happened_at,
                i::BIGINT AS id, {numbers}, {measures}, {texts}, i % 3 = 0 AS flag, md5(i::VARCHAR) AS digest,
                ((i % 100000) / 100.0)::DECIMAL(12, 2) AS amount,
                TIMESTAMPTZ '2026-01-01 00:00:00+00'
                    + to_microseconds((i * 7919) % 3600000000) AS changed_at
            FROM range({rows}) AS numbers(i)
            """
        )


def declaration() -> str:
    """The dataset declaration of the table."""
    columns = "".join(
        f'[[tables.rows.columns]]\nname = "{name}"\ntype = "{type_}"\n'
        f"nullable = {'true' if name.startswith('text') else 'false'}\n"
        for name, type_ in COLUMNS.items()
    )
    return (
        '[source]\nurl_variable = "BENCHMARK_URL"\n'
        f'[tables.rows]\ntime_column = "happened_at"\norder_by = ["happened_at", "id"]\n{columns}'
    )
