"""Watching a task: a bar that moves for a person, a line per change for a log, silence for a machine."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from export_pipeline.cli.printing import Screen, a_person_looks, moment, print_line, print_note

if TYPE_CHECKING:
    from export_pipeline.control.tasks import TaskView
    from export_pipeline.deployment import Deployment

DELIVERED = 0
FAILED = 1
STILL_UNDER_WAY = 124  # what `timeout` of the coreutils says

SECONDS_BETWEEN_LOOKS = 1.0  # as often as the ledger hears of progress

# The sensor that starts tasks looks every five seconds, and a run takes some to come up.
SECONDS_UNTIL_HINT = 30.0

Show = Callable[["TaskView"], None]


def watched(
    deployment: "Deployment", id_: str, timeout: float | None, *, silent: bool
) -> tuple["TaskView", int]:
    """The task at its end, or when the time is over, and the exit code that says which."""
    with _silence() if silent else _bar() if a_person_looks() else _lines() as show:
        for view in _looks(deployment, id_, timeout):
            show(view)
    if view.status == "FINISHED":
        return view, DELIVERED
    if view.status == "ERROR":
        return view, FAILED
    return view, STILL_UNDER_WAY


def _looks(deployment: "Deployment", id_: str, timeout: float | None) -> Iterator["TaskView"]:
    """The task as it stands, again and again; at least once."""
    from export_pipeline.control.tasks import show_task
    from export_pipeline.store.database import reading

    started = time.monotonic()
    hinted = False
    while True:
        with reading(deployment.control) as connection:
            view = show_task(connection, deployment.settings.organization, id_)
        yield view
        waited = time.monotonic() - started
        if view.status in ("FINISHED", "ERROR") or (timeout is not None and waited >= timeout):
            return
        nobody = view.status == "QUEUED" and view.waits_for is None and waited > SECONDS_UNTIL_HINT
        if nobody and not hinted:
            hinted = True
            print_note("nothing has taken the task up yet; is the Dagster daemon running?")
        left = SECONDS_BETWEEN_LOOKS if timeout is None else min(SECONDS_BETWEEN_LOOKS, timeout - waited)
        time.sleep(left)


@contextmanager
def _silence() -> Iterator[Show]:
    yield lambda _view: None


@contextmanager
def _lines() -> Iterator[Show]:
    said = ""

    def show(view: "TaskView") -> None:
        nonlocal said
        line = f"{view.export.slug}: {view.status} {view.progress} % ({_hours(view)})"
        if reason := waits(view):
            line += f", {reason}"
        if line != said:
            print_line(line)
            said = line

    yield show


@contextmanager
def _bar() -> Iterator[Show]:
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[hours]}"),
        TimeElapsedColumn(),
        console=Screen(),
    )
    with progress:
        bar = progress.add_task("", total=100, hours="")

        def show(view: "TaskView") -> None:
            progress.update(
                bar,
                description=f"{view.export.slug} from {moment(view.task.since)} {view.status}",
                completed=view.progress,
                hours=", ".join(filter(None, (_hours(view), waits(view)))),
            )

        yield show


def waits(view: "TaskView") -> str | None:
    """Why the task does not begin, if there is a reason."""
    return f"waits for the {view.waits_for}" if view.waits_for else None


def _hours(view: "TaskView") -> str:
    failed = f", {view.counts.failed:,} failed" if view.counts.failed else ""
    return f"{view.counts.delivered:,} of {view.counts.hours:,} hours{failed}"
