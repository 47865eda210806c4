"""One hour through the whole pipeline, or through the peer, in a process of its own: prints a line of JSON.

Arguments: the folder with the source, what to run (`ours` or `peer`), the format.
"""

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from export_pipeline.control.exports import create_export, definition_from
from export_pipeline.deployment import open_deployment
from export_pipeline.exports.plan import plan_of
from export_pipeline.extract.sources import open_source
from export_pipeline.pipeline.run import Run
from export_pipeline.pipeline.staging import Staging
from export_pipeline.settings import Settings
from export_pipeline.store.database import writing
from export_pipeline.windows import HourWindow
from export_pipeline_tests.benchmarks.measured import Cost, measured

HOUR = HourWindow(datetime(2026, 1, 1, tzinfo=UTC))

FORMATS = {
    "csv.gz": {"type": "csv", "compression": "gzip"},
    "jsonl.gz": {"type": "jsonl", "compression": "gzip"},
    "parquet": {"type": "parquet"},
}

# What DuckDB makes of the same rows in the same order by itself: no staging, no count, no digest, no
# reading back.
PEER = {
    "csv.gz": "(FORMAT csv, COMPRESSION gzip)",
    "jsonl.gz": "(FORMAT json, COMPRESSION gzip)",
    "parquet": "(FORMAT parquet, COMPRESSION zstd)",
}


def ours(folder: Path, format_: str) -> Cost:
    """The three stages and the ledger, into the download folder."""
    settings = Settings(home=folder / "home", dataset=folder / "dataset.toml")
    deployment = open_deployment(settings, {"BENCHMARK_URL": f"duckdb:///{folder / 'rows.duckdb'}"})
    name = format_.replace(".", "-")
    definition = definition_from(
        {
            "tables": [{"name": "rows"}],
            "format": FORMATS[format_],
            "subdirectory": name,
            "first_hour": HOUR.start.isoformat(),
        }
    )
    with writing(deployment.control) as connection:
        export = create_export(
            connection,
            deployment.secret_key,
            deployment.dataset,
            organization="default",
            slug=name,
            connector="direct_download",
            definition=definition,
        )
    connector = deployment.connector(export.connector_id)
    run = Run(
        control=deployment.control,
        export=export,
        connector=connector.model_copy(update={"row_limit": None}),
        staging=Staging(settings.staging_folder, "benchmark"),
        lease=deployment.claim_lease,
        hours_at_once=1,
        check=deployment.check,
    )
    source = open_source(deployment.source_url, deployment.statement_limit)
    with measured() as cost:
        staged = run.extract(source, plan_of(definition, deployment.dataset), [HOUR])
        delivered = run.deliver(run.format(staged), lambda _hour: None)
    assert not delivered.failed, delivered.failed
    assert delivered.done[0].receipt.rows > 0
    source.close()
    deployment.close()
    return cost


def peer(folder: Path, format_: str) -> Cost:
    """DuckDB's own COPY of the same rows, within the memory limit of our reader."""
    with duckdb.connect(str(folder / "rows.duckdb"), read_only=True) as connection:
        connection.execute("SET memory_limit = '400MB'")
        connection.execute("SET threads = 1")
        connection.execute(f"SET temp_directory = '{folder / 'spill'}'")
        with measured() as cost:
            connection.execute(
                f"COPY (SELECT * FROM rows ORDER BY happened_at, id) TO '{folder / 'peer'}' {PEER[format_]}"
            ).fetchall()
    return cost


if __name__ == "__main__":
    work = {"ours": ours, "peer": peer}[sys.argv[2]]
    print(json.dumps(asdict(work(Path(sys.argv[1]), sys.argv[3]))))
