"""The command line, assembled: one group of commands for each noun."""

from importlib.metadata import version
from typing import Annotated

import typer

from export_pipeline.cli import (
    audit,
    connectors,
    contributors,
    database,
    dataset,
    demo,
    dev,
    exports,
    filters,
    keys,
    organizations,
    retention,
    secret_keys,
    serve,
    tasks,
    verifying,
)
from export_pipeline.cli.options import NO_VALUE

app = typer.Typer(
    help="Hand customers their own data: one file per hour, with a receipt that proves every row arrived.",
    no_args_is_help=True,
    add_completion=False,
    # Errors are told by `main`, in one way for all of them.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Settings come from the environment: EXPORT_PIPELINE_HOME and others, see the README.",
)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(version("export-pipeline"))
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    organization: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Whose exports, connectors and tasks are meant; default: EXPORT_PIPELINE_ORGANIZATION.",
        ),
    ] = None,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", metavar=NO_VALUE, help="Print the version.", is_eager=True, callback=_print_version
        ),
    ] = False,
) -> None:
    # No docstring: Typer would show it in the place of the app's help.
    context.obj = organization


app.command("demo")(demo.demo)
app.command("dev")(dev.dev)
app.add_typer(dataset.app, name="dataset")
app.add_typer(connectors.app, name="connector")
app.add_typer(contributors.app, name="contributor")
app.add_typer(exports.app, name="export")
app.add_typer(filters.app, name="filter")
app.add_typer(tasks.app, name="task")
app.command("verify")(verifying.verify)
app.command("serve")(serve.serve)
app.add_typer(keys.app, name="key")
app.add_typer(audit.app, name="audit")
app.add_typer(retention.app, name="retention")
app.add_typer(organizations.app, name="organization")
app.add_typer(secret_keys.app, name="secret-key")
app.add_typer(database.app, name="db")
