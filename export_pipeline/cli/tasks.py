"""`export-pipeline task`: requests for ranges of hours."""

from getpass import getuser
from typing import TYPE_CHECKING, Annotated

import typer

from export_pipeline.cli import downloads, watching
from export_pipeline.cli.connector_documents import waits_for
from export_pipeline.cli.downloads import Id
from export_pipeline.cli.export_documents import failure_document, failure_line
from export_pipeline.cli.opening import opened, program
from export_pipeline.cli.options import NO_VALUE, Json, named
from export_pipeline.cli.printing import (
    moment,
    number,
    print_document,
    print_line,
    print_note,
    print_some,
    print_table,
    second,
)
from export_pipeline.windows import moment_from

if TYPE_CHECKING:
    from export_pipeline.control.tasks import TaskView
    from export_pipeline.deployment import Deployment

app = typer.Typer(help="Tasks: requests to deliver a range of hours of an export.", no_args_is_help=True)

Timeout = Annotated[
    float | None,
    typer.Option(metavar="SECONDS", min=0, help="How long to watch; then exit 124. Default: to the end."),
]


@app.command()
def create(
    context: typer.Context,
    export: Annotated[str, typer.Argument(metavar="EXPORT", help="The export's name.", show_default=False)],
    from_: Annotated[
        str,
        typer.Option(
            "--from", metavar="TIME", help="The start, like 2013-01-01T05:00:00Z.", show_default=False
        ),
    ],
    to: Annotated[
        str, typer.Option(metavar="TIME", help="The end; the hour that begins there is not delivered.")
    ],
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            metavar=NO_VALUE,
            help="Deliver again what is delivered already, not only what is missing.",
        ),
    ] = False,
    watch_: Annotated[
        bool, typer.Option("--watch", metavar=NO_VALUE, help="Watch it, as `task watch` does.")
    ] = False,
    timeout: Timeout = None,
    as_json: Json = False,
) -> None:
    """Request the hours of a range. They are delivered in the background, by Dagster."""
    from export_pipeline.control.tasks import create_task, show_task
    from export_pipeline.store.connectors import get_connector
    from export_pipeline.store.database import writing
    from export_pipeline.store.exports import get_export

    with named(since="--from", until="--to"), opened(context) as deployment:
        organization = deployment.settings.organization
        with writing(deployment.control) as connection:
            task = create_task(
                connection,
                organization=organization,
                export=export,
                since=moment_from(from_, field="--from"),
                until=moment_from(to, field="--to"),
                force=force,
            )
            view = show_task(connection, organization, task.id)
            way_out = get_connector(connection, get_export(connection, task.export_id).connector_id)
        waits = waits_for(way_out)
        if watch_:
            if waits:
                print_note(f"{export} {waits}")
            _watch(context, deployment, task.id, timeout, as_json)
        elif as_json:
            print_document({**_document(view), "waits": waits})
        else:
            print_line(
                f"requested {view.counts.hours:,} hours of {export} as task {task.id}"
                f"\nsee how far it is: {program(context)} task watch {task.id}"
            )
            if waits:
                print_line(f"it {waits}")


@app.command("list")
def list_(
    context: typer.Context,
    export: Annotated[str | None, typer.Option(metavar="NAME", help="Only this export's.")] = None,
    limit: Annotated[int, typer.Option(metavar="NUMBER", min=1, help="How many, the newest first.")] = 100,
    as_json: Json = False,
) -> None:
    """List the latest tasks."""
    from export_pipeline.control.tasks import show_tasks
    from export_pipeline.store.database import reading

    with opened(context) as deployment, reading(deployment.control) as connection:
        views = show_tasks(connection, deployment.settings.organization, export=export, limit=limit)
    if as_json:
        print_document({"tasks": [_document(view) for view in views]})
    elif not views:
        print_line(f"there are no tasks yet; request one with: {program(context)} task create --help")
    else:
        print_table(
            ["id", "export", "status", number("%"), "from", "to", number("hours"), number("failed")],
            [
                (
                    view.task.id,
                    view.export.slug,
                    view.status.value,
                    str(view.progress),
                    moment(view.task.since),
                    moment(view.task.until),
                    f"{view.counts.delivered:,} of {view.counts.hours:,}",
                    f"{view.counts.failed:,}",
                )
                for view in views
            ],
        )
        print_some([f"{view.task.id} {waits}" for view in views if (waits := watching.waits(view))])


@app.command()
def show(context: typer.Context, id_: Id, as_json: Json = False) -> None:
    """Show a task: its status, how far it is, which hours failed or wait, and why."""
    from export_pipeline.control.tasks import show_task
    from export_pipeline.store.database import reading

    with opened(context) as deployment, reading(deployment.control) as connection:
        view = show_task(connection, deployment.settings.organization, id_)
    if as_json:
        print_document(_document(view))
        return
    task, counts = view.task, view.counts
    fields = {
        "id": task.id,
        "export": view.export.slug,
        "status": view.status.value,
        "progress": f"{view.progress} %",
        "from": moment(task.since),
        "to": moment(task.until),
        "hours": f"{counts.delivered:,} of {counts.hours:,} delivered, {counts.failed:,} failed",
        "force": "yes" if task.force else "no",
        "requested at": second(task.requested_at),
        "started at": second(task.started_at),
        "ended at": second(view.ended_at),
    }
    if task.expired_at is not None:
        fields["files expired at"] = second(task.expired_at)
    print_table(["field", "value"], list(fields.items()))
    _print_faults(view)


@app.command()
def watch(context: typer.Context, id_: Id, timeout: Timeout = None, as_json: Json = False) -> None:
    """Watch a task until it ends. Exit code 0 when all hours are delivered, 1 when some failed."""
    with opened(context) as deployment:
        _watch(context, deployment, id_, timeout, as_json)


@app.command()
def cancel(context: typer.Context, id_: Id, as_json: Json = False) -> None:
    """Cancel a task. A run that is at work stops within seconds; hours that are delivered stay."""
    from export_pipeline.control.tasks import cancel_task
    from export_pipeline.store.database import writing

    with opened(context) as deployment, writing(deployment.control) as connection:
        view = cancel_task(connection, deployment.settings.organization, id_, by=getuser())
    if as_json:
        print_document(_document(view))
    elif view.status == "ERROR":
        print_line(f"cancelled task {id_}; it had not begun")
    else:
        print_line(f"task {id_} stops now; see what came of it: {program(context)} task show {id_}")


@app.command()
def retry(context: typer.Context, id_: Id, as_json: Json = False) -> None:
    """Try again what a task that ended in an ERROR has not delivered."""
    from export_pipeline.control.tasks import retry_task
    from export_pipeline.store.database import writing

    with opened(context) as deployment, writing(deployment.control) as connection:
        view = retry_task(connection, deployment.settings.organization, id_)
    if as_json:
        print_document(_document(view))
    else:
        left = view.counts.hours - view.counts.delivered
        print_line(
            f"task {id_} is queued again, {left:,} of {view.counts.hours:,} hours are left to deliver"
            f"\nsee how far it is: {program(context)} task watch {id_}"
        )


app.command()(downloads.downloads)


def _watch(
    context: typer.Context, deployment: "Deployment", id_: str, timeout: float | None, as_json: bool
) -> None:
    view, code = watching.watched(deployment, id_, timeout, silent=as_json)
    if code == watching.STILL_UNDER_WAY:
        print_note(
            f"the task is {view.status}, {view.progress} %, and goes on; watch it again:"
            f" {program(context)} task watch {id_}"
        )
    if as_json:
        print_document(_document(view))
    else:
        _print_faults(view)
    raise typer.Exit(code)


def _print_faults(view: "TaskView") -> None:
    if waits := watching.waits(view):
        print_line(waits)
    if view.task.error is not None:
        print_line(view.task.error)
    elif view.task.cancellation is not None:
        print_line(view.task.cancellation)
    print_some([failure_line(failure) for failure in view.failures])


def _document(view: "TaskView") -> dict[str, object]:
    task, counts = view.task, view.counts
    return {
        "id": task.id,
        "export": view.export.slug,
        "status": view.status.value,
        "progress": view.progress,
        "since": task.since,
        "until": task.until,
        "force": task.force,
        "requested_at": task.requested_at,
        "started_at": task.started_at,
        "ended_at": view.ended_at,
        "expired_at": task.expired_at,
        "origin": task.origin,
        "name": task.name,
        "cancel_requested_at": task.cancel_requested_at,
        "cancelled_by": task.cancelled_by,
        "error": task.error,
        "waits_for": view.waits_for,
        "hours": {"wanted": counts.hours, "delivered": counts.delivered, "failed": counts.failed},
        "failures": [failure_document(failure) for failure in view.failures],
    }
