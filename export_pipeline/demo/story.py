"""The main job, told in one command: real rows, a real Dagster backfill, files with receipts, proven."""

import os
import shlex
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from export_pipeline.control.verification import delivered_hours, verify_hours
from export_pipeline.demo.home import FIRST_HOUR, LAST_HOUR_ENDS, DemoHome, demo_exports
from export_pipeline.demo.summary import summary_of, write_summary
from export_pipeline.deployment import Deployment
from export_pipeline.errors import ExportPipelineError
from export_pipeline.exports.export import Export
from export_pipeline.processes.dagster import Running, free_port
from export_pipeline.processes.graphql import Webserver
from export_pipeline.store.database import reading
from export_pipeline.store.ledger import count_delivered, failures_between
from export_pipeline.windows import hours_between

SECONDS_BETWEEN_LOOKS = 0.5

# Two hundred times what it takes on two cores: whoever waits longer is told where to look.
SECONDS_FOR_ALL = 1200

ENDED_BADLY = {"FAILURE", "CANCELED"}


def run(home: Path) -> None:
    """Run the demo in the folder `home`, which is made if needed; again, it finds what is delivered."""
    place = DemoHome(home.absolute())
    with place.held():
        # Nothing in a path is taken for markup.
        _tell(place, Console(markup=False, emoji=False, highlight=False))


def _tell(place: DemoHome, console: Console) -> None:
    _say(console, f"Export Pipeline, the demo. Everything is kept in {place.folder}\n")
    counts = place.prepare()
    _say(
        console,
        f"1. The source: {counts['flights']:,} flights and {counts['weather']:,} hours of weather, New York"
        f" 2013, in {place.database.name}",
    )
    with closing(place.open(os.environ)) as deployment:
        exports = demo_exports(deployment)
        for export in exports:
            definition = export.definition
            chosen = definition.tables[0].columns
            _say(
                console,
                f"2. The export {export.slug}: {len(chosen) or 'all'} columns, "
                f"{definition.format.extension}{f', where {definition.filter}' if definition.filter else ''}",
            )
        _say(
            console, f"3. A Dagster backfill: {FIRST_HOUR:%Y-%m-%d %H:%M} to {LAST_HOUR_ENDS:%Y-%m-%d %H:%M}"
        )
        _backfill(place, deployment, exports, console)
        _report(place, deployment, exports, console)


def _backfill(place: DemoHome, deployment: Deployment, exports: Sequence[Export], console: Console) -> None:
    windows = list(hours_between(FIRST_HOUR, LAST_HOUR_ENDS))
    keys = [window.key for window in windows]
    progress = Progress(
        TextColumn("   {task.description:<10}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("hours"),
        TimeElapsedColumn(),
        console=console,
    )
    with progress:
        starting = progress.add_task("Dagster", total=None)
        with place.instance(os.environ).webserver(free_port()) as (webserver, running):
            assets = [["exports", export.slug] for export in exports]
            backfill = webserver.launch_backfill(assets, keys, "The demo's 48 hours")
            # The daemon looks for backfills as it starts, then every thirty seconds: so it starts last.
            running.start_daemon()
            progress.remove_task(starting)
            bars = [progress.add_task(export.slug, total=len(keys)) for export in exports]
            _watch(deployment, exports, webserver, running, backfill, progress, bars)


def _watch(
    deployment: Deployment,
    exports: Sequence[Export],
    webserver: Webserver,
    running: Running,
    backfill: str,
    progress: Progress,
    bars: Sequence[TaskID],
) -> None:
    give_up = time.monotonic() + SECONDS_FOR_ALL
    while True:
        with reading(deployment.control) as connection:
            done = [count_delivered(connection, e.id, FIRST_HOUR, LAST_HOUR_ENDS) for e in exports]
        for bar, hours in zip(bars, done, strict=True):
            progress.update(bar, completed=hours)
        statuses = set(webserver.runs_of_backfill(backfill).values())
        if statuses and statuses <= {"SUCCESS"} | ENDED_BADLY:
            break
        running.check()
        if time.monotonic() > give_up:
            raise ExportPipelineError(f"the backfill takes longer than {SECONDS_FOR_ALL} s; see `make dev`")
        time.sleep(SECONDS_BETWEEN_LOOKS)
    with reading(deployment.control) as connection:
        failures = [
            failure
            for export in exports
            for failure in failures_between(connection, export.id, FIRST_HOUR, LAST_HOUR_ENDS)
        ]
    if failures or statuses & ENDED_BADLY:
        reasons = "\n".join(f"{failure.hour:%Y-%m-%d %H:%M}: {failure.message}" for failure in failures)
        raise ExportPipelineError(f"the backfill ended with {', '.join(statuses)}\n{reasons}")


def _report(place: DemoHome, deployment: Deployment, exports: Sequence[Export], console: Console) -> None:
    downloads = deployment.settings.downloads_of(deployment.settings.organization)
    table = Table("export", "hours", "rows", "bytes", "receipts", title="4. Delivered")
    folders = {}
    summaries = {}
    faults: list[str] = []
    for export in exports:
        entries = delivered_hours(deployment.control, export, FIRST_HOUR, LAST_HOUR_ENDS)
        connector = deployment.connector(export.connector_id)
        found = [
            verification
            for _entry, verification in verify_hours(
                connector, entries, hours_at_once=deployment.settings.hours_at_once
            )
        ]
        faults += [problem for verification in found for problem in verification.problems]
        proven = sum(verification.ok for verification in found)
        table.add_row(
            export.slug,
            str(len(entries)),
            f"{sum(entry.rows for entry in entries):,}",
            f"{sum(entry.bytes for entry in entries):,}",
            f"{proven} of {len(found)} verified",
        )
        folders[f"The files of {export.slug}"] = downloads / export.definition.subdirectory
        summaries[export.slug] = summary_of(export, entries, downloads)
    write_summary(place.folder / "summary.json", summaries)
    console.print()
    console.print(table)
    if faults:
        raise ExportPipelineError("receipts do not verify:\n" + "\n".join(faults))
    folder = shlex.quote(str(place.folder))
    to_copy = {
        **folders,
        "Per file, with digests and receipts": place.folder / "summary.json",
        "See it in the Dagster UI": f"make dev DEMO_HOME={folder}",
        "Work on it from the command line": f". {folder}/env && .venv/bin/export-pipeline verify",
    }
    width = max(map(len, to_copy)) + 1
    _say(console, "\n" + "\n".join(f"{f'{what}:':<{width}} {text}" for what, text in to_copy.items()))


def _say(console: Console, text: str) -> None:
    """Lines as they are, whatever the width: paths and commands in them are copied."""
    console.print(text, soft_wrap=True)
