"""Commands in processes of their own, as people type them."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from export_pipeline.connectors.connector import ConnectorConfig
from export_pipeline.connectors.direct_download import DirectDownloadConfig
from export_pipeline.connectors.secret import reveal
from export_pipeline.windows import ONE_HOUR, HourWindow
from export_pipeline_tests.acceptance.conftest import ROOT, dagster_environ
from export_pipeline_tests.installations import FIRST, HOURS, Installation

BIN = Path(sys.executable).parent
MODULE = "export_pipeline.orchestration.definitions"
SECONDS = 180
STAMP = "%Y-%m-%d-%H-%M"


def begin(program: str, *arguments: str, environ: Mapping[str, str]) -> subprocess.Popen[str]:
    """Start a command; what it prints is heard by whoever waits for its end (`communicate`)."""
    return subprocess.Popen(
        [BIN / program, *arguments],
        cwd=ROOT,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run(program: str, *arguments: str, environ: Mapping[str, str], code: int = 0) -> str:
    """What a command prints that ends with `code`."""
    with begin(program, *arguments, environ=environ) as process:
        try:
            printed, _ = process.communicate(timeout=SECONDS)
        finally:
            process.kill()
    assert process.returncode == code, printed
    return printed


def dagster(*arguments: str, environ: Mapping[str, str], code: int = 0) -> str:
    """See `run`."""
    return run("dagster", *arguments, environ=environ, code=code)


def file_of(export: str, window: HourWindow) -> str:
    """The key of the hour's file, of an export as `Shell.export` makes it."""
    return f"{export}/{window.start:{STAMP}}.csv"


def receipt_of(export: str, window: HourWindow) -> str:
    """The key of the hour's receipt."""
    return f"{export}/_receipts/{export}/{window.start:{STAMP}}.json"


def materializing(export: str, window: HourWindow) -> tuple[str, ...]:
    """Dagster's command for one hour of an export, in the foreground."""
    return ("asset", "materialize", "-m", MODULE, "--select", f"exports/{export}", "--partition", window.key)


@dataclass(frozen=True)
class Shell:
    """A shell on an installation, whose connectors and exports are made by command."""

    installation: Installation
    environ: Mapping[str, str]

    def export_pipeline(self, *arguments: str, code: int = 0) -> str:
        return run("export-pipeline", *arguments, environ=self.environ, code=code)

    def connector(self, name: str, config: ConnectorConfig, *, verb: str = "create") -> None:
        """Make a connector from a file, or put another in its place; its check has to pass."""
        file = self.installation.folder / f"{name}.json"
        # Where downloads wait is the operator's to say, and not the connector's.
        stored = not isinstance(config, DirectDownloadConfig)
        file.write_text(reveal(config) if stored else json.dumps({"type": config.type}))
        file.chmod(0o600)
        printed = self.export_pipeline("connector", verb, name, "--config", str(file))
        file.unlink()
        assert f"{name} is RUNNING: Its check passed." in printed

    def export(self, name: str, connector: str) -> None:
        """All events of the day as plain CSV."""
        until = FIRST + HOURS * ONE_HOUR
        self.export_pipeline(
            *("export", "create", name, "--table", "events", "--format", "csv", "--connector", connector),
            *("--subdirectory", name, "--first-hour", FIRST.isoformat(), "--until", until.isoformat()),
        )

    def deliver(self, export: str, window: HourWindow, code: int = 0) -> str:
        """Deliver one hour, in the foreground."""
        return dagster(*materializing(export, window), environ=self.environ, code=code)

    def coverage(self, export: str) -> Any:
        """What the product says that it has delivered, what failed, and what waits."""
        return json.loads(self.export_pipeline("export", "show", export, "--json"))["coverage"]


def shell(installation: Installation) -> Shell:
    """A shell on the installation, whatever the tester's own environment says of others."""
    environ = dagster_environ(installation)
    ours = {*installation.variables}
    return Shell(
        installation,
        {
            name: value
            for name, value in environ.items()
            if name in ours or not name.startswith("EXPORT_PIPELINE_")
        },
    )
