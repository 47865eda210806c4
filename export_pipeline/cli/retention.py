"""`export-pipeline retention`: letting go of what need not be kept any longer."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from export_pipeline.cli.opening import opened
from export_pipeline.cli.options import NO_VALUE, Json
from export_pipeline.cli.printing import number, print_document, print_line, print_some, print_table

if TYPE_CHECKING:
    from export_pipeline.retention.leftovers import Leftovers
    from export_pipeline.retention.retaining import Report

app = typer.Typer(
    help="What need not be kept any longer: files that wait for customers, and other things of old.",
    no_args_is_help=True,
)


@app.command()
def run(
    context: typer.Context,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", metavar=NO_VALUE, help="Say what would go, and change nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Let go of everything, of every organization, whose time is over; Dagster does that daily.

    How long things stay is set by EXPORT_PIPELINE_DOWNLOAD_DAYS and others, see docs/retention.md. Receipts
    stay, and customers' own places are not touched. Exit code 1 if files could not be deleted.
    """
    from datetime import UTC, datetime

    from export_pipeline.retention.retaining import retain

    with opened(context) as deployment:
        report = retain(deployment, now=datetime.now(UTC), dry_run=dry_run)
    if as_json:
        print_document(_document(report))
    else:
        _print(report)
    if report.problems:
        raise typer.Exit(1)


def _document(report: "Report") -> dict[str, object]:
    return {
        "dry_run": report.dry_run,
        "hours": report.hours,
        "bytes": report.bytes,
        "exports": [asdict(export) for export in report.exports],
        "leftovers": asdict(report.leftovers),
    }


def _print(report: "Report") -> None:
    verb = "would be deleted" if report.dry_run else "deleted"
    if report.exports:
        print_table(
            [
                "organization",
                "export",
                "why",
                number("tasks"),
                number("hours"),
                number("bytes"),
                number("left"),
            ],
            [
                (
                    export.organization,
                    export.export,
                    "deleted" if export.deleted else "expired",
                    f"{export.tasks:,}",
                    f"{export.hours:,}",
                    f"{export.bytes:,}",
                    f"{export.left:,}",
                )
                for export in report.exports
            ],
        )
    print_line(f"files of {report.hours:,} hours {verb}, {report.bytes:,} bytes")
    if others := _others(report.leftovers):
        print_line(f"besides, {verb}: {', '.join(others)}")
    if report.problems:
        print_line("these could not be deleted, and are tried again by the next run:")
        print_some(report.problems)


def _others(leftovers: "Leftovers") -> list[str]:
    """What there is of the rest."""
    counted = {
        "answers to repeated requests": leftovers.answers,
        "counts of requests": leftovers.request_counts,
        "entries of the audit log": leftovers.audit_entries,
        "contributors' sessions": leftovers.sessions,
        "folders of dead runs": leftovers.staged_runs,
    }
    return [f"{count:,} {what}" for what, count in counted.items() if count]
