"""Asking before something is undone."""

import sys

import typer

from export_pipeline.errors import InvalidRequest


def confirm(question: str, *, yes: bool) -> None:
    """Go on if the person at the terminal agrees, or has said `--yes`; else end, nothing done."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise InvalidRequest("--yes: nobody is there to be asked; say --yes if it is meant", field="yes")
    # On standard error, because standard output may be read by a machine.
    if not typer.confirm(question, err=True):
        typer.echo("nothing was changed", err=True)
        raise typer.Exit(1)
