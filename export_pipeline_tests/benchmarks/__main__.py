"""`make bench`: one hour of 100 thousand, 1 and 10 million rows of twenty columns, through everything.

Per format: rows per wall second, CPU seconds, CPU seconds per million rows (flat means linear), growth of
the process beyond its imports (flat means bounded), and CPU seconds as a ratio to DuckDB's own COPY in the
same run. Machines are noisy: CPU seconds and ratios are the figures to compare.
`make bench ROWS="100000 1000000"` does less.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from export_pipeline_tests.benchmarks.measured import Cost
from export_pipeline_tests.benchmarks.one_hour import FORMATS
from export_pipeline_tests.benchmarks.source import declaration, make

ROWS = (100_000, 1_000_000, 10_000_000)
SECONDS_AT_MOST = 1800


def cost_of(folder: Path, what: str, format_: str) -> Cost:
    """What `one_hour` printed, run in a process of its own."""
    ran = subprocess.run(
        [sys.executable, "-m", "export_pipeline_tests.benchmarks.one_hour", folder, what, format_],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=SECONDS_AT_MOST,
    )
    return Cost(**json.loads(ran.stdout.splitlines()[-1]))


def main(sizes: list[int]) -> None:
    """Measure and print, a line as it is known."""
    console = Console(width=110)
    table = Table(
        "rows",
        "format",
        "rows/s",
        "CPU s",
        "CPU s / 1M",
        "grown MB",
        "peer CPU s",
        "CPU ratio",
        "peer grown MB",
    )
    for rows in sizes:
        with tempfile.TemporaryDirectory(prefix="export-pipeline-bench-") as name:
            folder = Path(name)
            (folder / "dataset.toml").write_text(declaration())
            make(folder / "rows.duckdb", rows)
            for format_ in FORMATS:
                ours, peer = cost_of(folder, "ours", format_), cost_of(folder, "peer", format_)
                table.add_row(
                    f"{rows:,}",
                    format_,
                    f"{rows / ours.wall:,.0f}",
                    f"{ours.cpu:.2f}",
                    f"{ours.cpu / rows * 1e6:.2f}",
                    f"{ours.grown_mb:.0f}",
                    f"{peer.cpu:.2f}",
                    f"{ours.cpu / peer.cpu:.2f}",
                    f"{peer.grown_mb:.0f}",
                )
                console.print(f"{rows:,} rows, {format_}: {ours.wall:.1f} s", style="dim")
    console.print(table)


if __name__ == "__main__":
    main([int(argument) for argument in sys.argv[1:]] or [*ROWS])
