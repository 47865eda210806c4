"""The command line on a real installation: in this process through `main`, or as a process of its own."""

import io
import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest

from export_pipeline.cli.__main__ import main
from export_pipeline_tests.installations import Installation, an_installation


@dataclass(frozen=True)
class Result:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The JSON document on standard output."""
        return json.loads(self.out)

    @property
    def error(self) -> Any:
        """The JSON document of an error."""
        return json.loads(self.err)["error"]


class CallCli(Protocol):
    def __call__(self, *arguments: str, given: bytes = b"") -> Result:
        """Run a command; `given` is its standard input."""


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with an_installation(tmp_path) as installation:
        yield installation


@pytest.fixture
def environ(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    """The environment in which commands find the installation, whatever the tester's own holds."""
    for name in [name for name in os.environ if name.startswith("EXPORT_PIPELINE_")]:
        monkeypatch.delenv(name)
    for name, value in installation.variables.items():
        monkeypatch.setenv(name, value)
    return os.environ


@pytest.fixture
def call_cli(
    environ: Mapping[str, str],  # noqa: ARG001 -- set while the command runs
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> CallCli:
    def call(*arguments: str, given: bytes = b"") -> Result:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
        capsys.readouterr()
        code = main(arguments)
        return Result(code, *capsys.readouterr())

    return call
