"""The command line as a whole: what it says of itself, and how little it loads to say it."""

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from export_pipeline_tests.cli.conftest import CallCli

GOLDEN = Path(__file__).parents[1] / "golden" / "cli"

# Set to 1, the golden files are written instead of compared: then look at the difference.
UPDATE = "UPDATE_GOLDEN_FILES"

# In a process of its own, because the look of the help is settled when Typer is imported.
EVERY_HELP = """
import io, json, sys
from contextlib import redirect_stdout
from typer.main import get_command
from export_pipeline.cli.__main__ import main
from export_pipeline.cli.app import app

def every_command(command, path):
    yield path
    for name, inner in getattr(command, "commands", {}).items():
        yield from every_command(inner, (*path, name))

helps = {}
for path in every_command(get_command(app), ()):
    with redirect_stdout(io.StringIO()) as out:
        assert main([*path, "--help"]) == 0
    helps["_".join(["export-pipeline", *path])] = "\\n".join(map(str.rstrip, out.getvalue().splitlines()))
json.dump(helps, sys.stdout)
"""

HEAVY = {"alembic", "boto3", "dagster", "duckdb", "pandas", "pyarrow", "pydantic", "sqlalchemy"}


@pytest.fixture(scope="module")
def helps() -> dict[str, str]:
    """What each command says to --help, in a terminal of a hundred columns without colours."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "PYTHONPATH")}
    look = {"TERMINAL_WIDTH": "100", "NO_COLOR": "1", "TERM": "dumb", "PYTHONUTF8": "1"}
    said = subprocess.run(
        [sys.executable, "-c", EVERY_HELP], env={**kept, **look}, capture_output=True, check=True, text=True
    )
    found: dict[str, str] = json.loads(said.stdout)
    if os.environ.get(UPDATE) == "1":
        for old in GOLDEN.glob("*.txt"):
            old.unlink()
        for name, text in found.items():
            (GOLDEN / f"{name}.txt").write_text(f"{text.strip()}\n", encoding="utf-8")
    return found


def test_every_help_says_what_it_said(helps: dict[str, str]) -> None:
    golden = {file.stem: file.read_text(encoding="utf-8").strip() for file in GOLDEN.glob("*.txt")}

    assert {name: text.strip() for name, text in helps.items()} == golden, f"run with {UPDATE}=1 if meant"


def test_every_command_with_something_to_say_can_say_it_in_json(helps: dict[str, str]) -> None:
    silent = {name for name, text in helps.items() if "Commands" not in text and "--json" not in text}

    assert silent == {"export-pipeline_demo", "export-pipeline_dev", "export-pipeline_serve"}


def test_help_loads_nothing_heavy() -> None:
    program = "import sys, export_pipeline.cli.__main__; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)

    assert HEAVY & set(loaded.stdout.split()) == set()


def test_the_version_is_the_installed_one(call_cli: CallCli) -> None:
    result = call_cli("--version")

    assert (result.code, result.out) == (0, f"{version('export-pipeline')}\n")


def test_another_organization_has_its_own_exports(call_cli: CallCli) -> None:
    hour = ("--table", "events", "--first-hour", "2026-01-05T00:00:00Z", "--subdirectory", "acme")
    call_cli("organization", "create", "acme")
    made = call_cli("--organization", "acme", "export", "create", "events", *hour, "--json")

    assert made.document["asset_key"] == "exports/acme/events"
    assert call_cli("export", "list", "--json").document == {"exports": []}
