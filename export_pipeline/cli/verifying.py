"""`export-pipeline verify`: the proof that what was delivered is there, whole and unchanged."""

from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from export_pipeline.cli.opening import opened, program
from export_pipeline.cli.options import NO_VALUE, Json, named
from export_pipeline.cli.printing import (
    Screen,
    a_person_looks,
    moment,
    number,
    print_document,
    print_line,
    print_note,
    print_some,
    print_table,
)
from export_pipeline.windows import HourWindow, moment_from, spans

if TYPE_CHECKING:
    from export_pipeline.deployment import Deployment
    from export_pipeline.exports.export import Export


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong with an hour; `receipt` is the key of its receipt."""

    hour: datetime
    receipt: str
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What was found of one export: hours looked at, rows and bytes that their receipts name, faults.

    `expired` is of how many of the hours the files have expired on which days: of these the receipts are
    there. `repair` are the commands that deliver the faulty hours again.
    """

    export: str
    hours: int
    rows: int
    bytes: int
    expired: Mapping[date, int]
    faults: tuple[Fault, ...]
    repair: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Which hours, and whether rows are counted too."""

    since: datetime | None
    until: datetime | None
    count_rows: bool


def verify(
    context: typer.Context,
    export: Annotated[
        str | None, typer.Argument(metavar="EXPORT", help="The export's name; default: all exports.")
    ] = None,
    from_: Annotated[
        str | None,
        typer.Option("--from", metavar="TIME", help="The first hour, like 2013-01-01T05:00:00Z."),
    ] = None,
    to: Annotated[
        str | None, typer.Option(metavar="TIME", help="The end; the hour that begins there is not read.")
    ] = None,
    quick: Annotated[
        bool,
        typer.Option(
            "--quick", metavar=NO_VALUE, help="Compare bytes and digests only, without counting rows."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Read back what was delivered and compare it with its receipts. Exit code 1 for any fault.

    Nothing delivered in the range is a fault as well; files that have expired are none, and it is told when.
    """
    question = Question(
        since=moment_from(from_, field="--from") if from_ is not None else None,
        until=moment_from(to, field="--to") if to is not None else None,
        count_rows=not quick,
    )
    with named(since="--from", until="--to"), opened(context) as deployment:
        exports = _exports(deployment, export)
        with _bars(as_json) as bars:
            proofs = [_proof(deployment, one, question, bars, program(context)) for one in exports]
    hours = sum(proof.hours for proof in proofs)
    faults = sum(len(proof.faults) for proof in proofs)
    if as_json:
        print_document({"ok": bool(hours) and not faults, "exports": [_document(proof) for proof in proofs]})
    elif proofs:
        _print(proofs)
    if not hours:
        print_note("nothing was delivered in that range" if from_ or to else "nothing was delivered yet")
    if faults or not hours:
        raise typer.Exit(1)


def _exports(deployment: "Deployment", name: str | None) -> "list[Export]":
    from export_pipeline.store.database import reading
    from export_pipeline.store.exports import find_export, list_exports

    organization = deployment.settings.organization
    with reading(deployment.control) as connection:
        if name is not None:
            return [find_export(connection, organization, name)]
        return list(list_exports(connection, organization))


def _proof(
    deployment: "Deployment", export: "Export", question: Question, bars: Progress, again: str
) -> Proof:
    from export_pipeline.control.tasks import MAX_HOURS
    from export_pipeline.control.verification import delivered_hours, verify_hours
    from export_pipeline.exports.file_layout import FileLayout
    from export_pipeline.receipts.receipt import receipt_from

    entries = delivered_hours(deployment.control, export, question.since, question.until)
    bar = bars.add_task(export.slug, total=len(entries))
    rows = size = 0
    faults: list[Fault] = []
    faulty: list[HourWindow] = []
    ranges: list[tuple[datetime, datetime]] = []  # in one file each: repaired as a whole, and by themselves
    expired: Counter[date] = Counter()
    single = export.definition.layout is FileLayout.SINGLE
    found = verify_hours(
        deployment.connector(export.connector_id),
        entries,
        hours_at_once=deployment.settings.hours_at_once,
        count_rows=question.count_rows,
    )
    with closing(found):
        for entry, verification in found:
            if entry.expired_at is not None:
                expired[entry.expired_at.date()] += entry.hours
            if verification.receipt is not None:
                rows += verification.receipt.rows
                size += sum(file.bytes for file in verification.receipt.files)
            faults += [
                Fault(hour=entry.hour, receipt=verification.key, problem=problem)
                for problem in verification.problems
            ]
            if verification.problems:
                delivered = receipt_from(entry.receipt.encode(), entry.receipt_key)
                if single:
                    ranges.append((delivered.since, delivered.until))
                else:
                    faulty.append(HourWindow(entry.hour, delivered.since, delivered.until))
            bars.advance(bar)
    return Proof(
        export=export.slug,
        hours=sum(entry.hours for entry in entries),
        rows=rows,
        bytes=size,
        expired=expired,
        faults=tuple(faults),
        repair=tuple(
            f"{again} task create {export.slug} --from {moment(since)} --to {moment(until)} --force"
            for since, until in [*spans(faulty, MAX_HOURS), *ranges]
        ),
    )


def _bars(as_json: bool) -> Progress:
    """A bar for each export, gone when all is read; nothing moves where nobody looks."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("hours"),
        TimeElapsedColumn(),
        console=Screen(),
        transient=True,
        disable=as_json or not a_person_looks(),
    )


def _print(proofs: list[Proof]) -> None:
    print_table(
        ["export", number("hours"), number("rows"), number("bytes"), number("faults")],
        [
            (
                proof.export,
                f"{proof.hours:,}",
                f"{proof.rows:,}",
                f"{proof.bytes:,}",
                f"{len(proof.faults):,}",
            )
            for proof in proofs
        ],
    )
    for proof in proofs:
        for day, hours in sorted(proof.expired.items()):
            print_line(
                f"{proof.export}: files of {hours:,} hours expired on {day}; of these the receipts were read"
            )
        if proof.faults:
            print_line(f"{proof.export}:")
            print_some([f"{moment(fault.hour)}  {fault.problem}" for fault in proof.faults])
            # Whatever is not the export's own is never overwritten, and a changed object is not any more.
            print_line("move away what was changed, and deliver those hours again:")
            print_some(proof.repair)


def _document(proof: Proof) -> dict[str, object]:
    return {
        "export": proof.export,
        "hours": proof.hours,
        "rows": proof.rows,
        "bytes": proof.bytes,
        "expired": [{"on": day.isoformat(), "hours": hours} for day, hours in sorted(proof.expired.items())],
        "faults": [
            {"hour": fault.hour, "receipt": fault.receipt, "problem": fault.problem} for fault in proof.faults
        ],
        "repair": list(proof.repair),
    }
