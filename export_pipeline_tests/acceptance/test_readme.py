"""The README's commands, run as they stand, in order, as a new user would."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from export_pipeline.processes.dagster import free_port
from export_pipeline.processes.tethered import Tethered
from export_pipeline.settings import Settings
from export_pipeline_tests.acceptance.conftest import ROOT

SECONDS_A_BLOCK = 300

BLOCKS = re.findall(r"^```sh\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working copy with a `.demo` of its own; all else is this one's.

    Its environment is marked as up to date, lest `make` install the copy into ours.
    """
    folder = tmp_path_factory.mktemp("clone")
    for path in ROOT.iterdir():
        if path.name not in (".demo", ".venv"):
            (folder / path.name).symlink_to(path)
    environment = folder / ".venv"
    environment.mkdir()
    (environment / "bin").symlink_to(Path(sys.executable).parent)
    for mark in ("runtime", "dev"):
        (environment / mark).touch()
    return folder


@pytest.fixture(scope="module")
def demo(clone: Path) -> subprocess.CompletedProcess[str]:
    """The first block: `make demo`."""
    return run(clone, BLOCKS[0])


@pytest.fixture(scope="module")
def daemon(clone: Path, demo: subprocess.CompletedProcess[str]) -> Iterator[Tethered]:
    """`make dev`, in the other terminal."""
    assert demo.returncode == 0, demo.stdout + demo.stderr
    program = str(Path(sys.executable).with_name("export-pipeline"))
    command = [program, "dev", "--home", str(clone / ".demo"), "--port", str(free_port())]
    with Tethered(command, log=clone.parent / "dev.log", environ=os.environ) as running:
        yield running


def run(clone: Path, script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=clone,
        capture_output=True,
        text=True,
        timeout=SECONDS_A_BLOCK,
        check=False,
    )


def test_the_first_command_is_the_demo(demo: subprocess.CompletedProcess[str]) -> None:
    assert BLOCKS[0] == "make demo\n"
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert demo.stdout.count("48 of 48 verified") == 2


def test_the_tour_works_from_its_first_line_to_its_last(clone: Path, daemon: Tethered) -> None:
    environment, *_ = BLOCKS[1].splitlines()
    told = run(clone, "\n".join(BLOCKS[1:]))
    daemon.check()
    assert told.returncode == 0, told.stdout + told.stderr
    assert "FINISHED" in told.stdout
    # A whole day by the task, twelve hours by `asset materialize`; two more are queued for the daemon.
    shown = run(clone, f"{environment}\nexport-pipeline export show late-flights --json")
    assert '"hours": 3' in shown.stdout, shown.stdout


def test_every_command_the_readme_names_exists() -> None:
    readme = (ROOT / "README.md").read_text()
    named = set(re.findall(r"`?make (demo|test|dev|[a-z-]+)", readme)) - {"sure"}
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert named <= targets


def test_the_port_of_the_ui_can_be_chosen() -> None:
    would_run = run(ROOT, "make --dry-run dev PORT=3001")
    assert '--port "3001"' in would_run.stdout, would_run.stderr


def test_every_setting_is_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    assert [name for name in Settings.model_fields if f"`EXPORT_PIPELINE_{name.upper()}`" not in readme] == []
