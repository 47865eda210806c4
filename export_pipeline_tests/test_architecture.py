"""The shape of the code: what may import what, how long a module may be, that each has its tests."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "export_pipeline"
TESTS = ROOT / "export_pipeline_tests"

MOST_LINES = 300

# A function without a home is a missing noun, not a reason for one of these.
NO_NOUNS = {"base", "common", "core", "helpers", "managers", "models", "services", "utils"}

MODULES = sorted(
    path.relative_to(PACKAGE)
    for path in PACKAGE.rglob("*.py")
    if path.name != "__init__.py" and "migrations" not in path.parts
)

# Protocols and plain values in which nothing can go wrong that a type checker does not see.
NOTHING_TO_TEST = {
    "dataset/catalog.py",
    "extract/source.py",
}


def test_imports_point_down_only() -> None:
    checked = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_a_module_is_short_enough_to_be_read_at_once(module: Path) -> None:
    lines = (PACKAGE / module).read_text().count("\n")
    assert lines <= MOST_LINES, f"{module} has {lines} lines: which noun is missing?"


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_a_module_has_its_test_file(module: Path) -> None:
    test = TESTS / module.parent / f"test_{module.name}"
    if str(module) in NOTHING_TO_TEST:
        assert not test.exists(), f"{module} is tested now: take it off the list"
    else:
        assert test.exists(), f"{module} has no {test.relative_to(ROOT)}"


def test_no_folder_or_module_is_named_for_nothing() -> None:
    names = {path.stem for path in PACKAGE.rglob("*") if path.suffix in ("", ".py")}
    assert not names & NO_NOUNS


def test_packages_export_nothing_by_themselves() -> None:
    """A package's module is imported by its own name: importing one does not load its neighbours."""
    assert [str(path) for path in PACKAGE.rglob("__init__.py") if path.read_text().strip()] == []


def test_nothing_that_is_committed_names_an_address_of_a_registry_or_a_path_of_a_machine() -> None:
    committed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    suspicious = re.compile(r"--(extra-)?index[-]url|--find[-]links|/home/\w+/|/ro[o]t/|/Users/\w+/")
    found = [
        name
        for name in committed.split("\0")
        if name
        and (ROOT / name).is_file()
        and suspicious.search((ROOT / name).read_bytes().decode(errors="ignore"))
    ]
    assert found == []
