"""`make bench-contributions`: 100,000 records, contributed in sessions of 250, then exported as one hour.

On each control database: records a second, CPU seconds of our process (PostgreSQL works in its own), and how
far it grew. Sessions are opened, filled, and closed by the functions that the routes call: what a route costs
besides is what `make bench-polls` measures. `make bench-contributions RECORDS=10000` does less.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from export_pipeline.store.contribution_schema import CONTRIBUTED_RECORDS
from export_pipeline.store.database import writing
from export_pipeline_tests.benchmarks.measured import Cost, measured
from export_pipeline_tests.benchmarks.polls import DATABASES
from export_pipeline_tests.contributing import contributed, stored_data_connector, stored_entity
from export_pipeline_tests.installations import FIRST, Installation, hours
from export_pipeline_tests.runs import deliver

RECORDS = 100_000
OF_A_SESSION = 250

PROPERTIES: dict[str, Any] = {
    **{f"text_{number}": {"type": "string"} for number in range(4)},
    **{f"count_{number}": {"type": "integer"} for number in range(3)},
    **{f"share_{number}": {"type": "number"} for number in range(2)},
    "seen": {"type": "string", "format": "date-time"},
    "open": {"type": "boolean"},
    "at": {"type": "object", "properties": {"lat": {"type": "number"}, "lon": {"type": "number"}}},
    "tags": {"type": "array", "items": {"type": "string"}},
}


def record(number: int) -> dict[str, Any]:
    """One of about 500 bytes, with a member that the schema does not name."""
    entity = {
        **{f"text_{n}": f"text {n} of the record {number}" for n in range(4)},
        **{f"count_{n}": number * n for n in range(3)},
        **{f"share_{n}": number / (n + 7) for n in range(2)},
        "seen": "2026-01-05T10:30:00Z",
        "open": number % 2 == 0,
        "at": {"lat": number / 1000, "lon": -number / 1000},
        "tags": ["a", "b"],
        "more": number,
    }
    return {"id": f"record-{number}", "name": f"Record {number}", "entity": entity}


def contribute(installation: Installation, records: int) -> Cost:
    """All records, in as many sessions as that takes."""
    control = installation.deployment.control
    entity = stored_entity(control, "place", "default", schema={"type": "object", "properties": PROPERTIES})
    connector = stored_data_connector(control, entity, live=True)
    with measured() as cost:
        for first in range(0, records, OF_A_SESSION):
            contributed(control, connector, *map(record, range(first, min(first + OF_A_SESSION, records))))
    with writing(control) as connection:  # an hour that is over
        connection.execute(CONTRIBUTED_RECORDS.update().values(accepted_at=FIRST))
    return cost


def export(installation: Installation, records: int) -> Cost:
    """The hour, as Parquet with a receipt."""
    made = installation.export("places", tables=[{"name": "place"}], format={"type": "parquet"})
    with measured() as cost:
        (hour,) = deliver(installation, made, hours(0, 0)).done
    assert hour.receipt.rows == records
    return cost


def main(records: int) -> None:
    """Measure and print."""
    table = Table("control database", "what", "records/s", "CPU s", "CPU ms / record", "grown MB")
    for name, database in DATABASES.items():
        with (
            tempfile.TemporaryDirectory(prefix="export-pipeline-bench-") as folder,
            database(Path(folder)) as installation,
        ):
            for what in (contribute, export):
                cost = what(installation, records)
                table.add_row(
                    name,
                    what.__name__,
                    f"{records / cost.wall:,.0f}",
                    f"{cost.cpu:.1f}",
                    f"{1000 * cost.cpu / records:.3f}",
                    f"{cost.grown_mb:.0f}",
                )
    Console(width=110).print(table)


if __name__ == "__main__":
    main(*([int(sys.argv[1])] if sys.argv[1:] else [RECORDS]))
