"""The demo's folder: data, declaration, control database, Dagster instance, all below one place."""

import fcntl
import shlex
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import as_file, files
from pathlib import Path

from export_pipeline.connectors.direct_download import DIRECT_DOWNLOAD
from export_pipeline.control.exports import create_export, definition_from
from export_pipeline.demo.samples import FLIGHTS, SAMPLES, Sample
from export_pipeline.deployment import Deployment, open_deployment
from export_pipeline.errors import ExportPipelineError, NotFound
from export_pipeline.exports.export import Export
from export_pipeline.processes.dagster import Instance
from export_pipeline.settings import Settings
from export_pipeline.store.database import writing
from export_pipeline.store.exports import find_export

# New York's airports reopened slowly after the blizzard of 8 February 2013: hours with and without rows.
FIRST_HOUR = datetime(2013, 2, 8, tzinfo=UTC)
LAST_HOUR_ENDS = datetime(2013, 2, 10, tzinfo=UTC)

# What Dagster warns of and no user of ours can change: that its command line has a successor, and its own
# use of its own parameter. Named by how they begin: when Python reads this, it cannot import Dagster's
# categories yet.
UNHEARD = ("Function `asset_materialize_command` is superseded", "Parameter `owners` of initializer")


@dataclass(frozen=True, slots=True)
class DemoHome:
    """Where the demo keeps everything. `folder` is absolute."""

    folder: Path
    sample: Sample = FLIGHTS

    @property
    def database(self) -> Path:
        return self.folder / self.sample.database

    @property
    def settings(self) -> Settings:
        return Settings(
            home=self.folder,
            dataset=self.folder / "dataset.toml",
            control_url=None,
            downloads=self.folder / "downloads",
            staging=self.folder / "staging",
        )

    @property
    def variables(self) -> Mapping[str, str]:
        """What the environment has to hold for the command line and Dagster to work on the demo."""
        return {
            "EXPORT_PIPELINE_HOME": str(self.folder),
            "EXPORT_PIPELINE_SOURCE_URL": f"duckdb:///{self.database}",
            "DAGSTER_HOME": str(self.folder / "dagster"),
            "PYTHONWARNINGS": ",".join(f"ignore:{message}" for message in UNHEARD),
        }

    def instance(self, environ: Mapping[str, str]) -> Instance:
        """The demo's Dagster instance, for processes with that environment and our variables."""
        return Instance(home=self.folder / "dagster", environ={**environ, **self.variables})

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep others out of the folder while the block runs; ExportPipelineError when one is there already.

        The kernel lets go of it when the process ends, however it does.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise ExportPipelineError(
                    f"another demo or dev is at work in {self.folder}; stop it, wait until it has ended, or"
                    " name another folder (make demo DEMO_HOME=<folder>)"
                ) from error
            yield

    def prepare(self) -> dict[str, int]:
        """Make what is not there yet. Returns the rows per table of the source."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._refuse_another_sample()
        counts = self.sample.load(self.database)
        declaration = files("export_pipeline.demo") / self.sample.declaration
        (self.folder / "dataset.toml").write_bytes(declaration.read_bytes())
        dagster_home = self.folder / "dagster"
        dagster_home.mkdir(exist_ok=True)
        shutil.copyfile(instance_file(), dagster_home / "dagster.yaml")
        lines = [f"export {name}={shlex.quote(value)}\n" for name, value in self.variables.items()]
        (self.folder / "env").write_text("".join(lines))
        return counts

    def _refuse_another_sample(self) -> None:
        """Exports of one sample have nothing to read in the other."""
        for other in SAMPLES.values():
            if other is not self.sample and (self.folder / other.database).exists():
                raise ExportPipelineError(
                    f"{self.folder} holds the sample {other.name!r}, not"
                    f" {self.sample.name!r}; name another folder"
                )

    def open(self, environ: Mapping[str, str]) -> Deployment:
        """The demo's deployment."""
        return open_deployment(self.settings, {**environ, **self.variables})


def demo_exports(deployment: Deployment, sample: Sample = FLIGHTS) -> list[Export]:
    """The sample's exports, made if they are not there."""
    organization = deployment.settings.organization
    found = []
    for slug, data in sample.exports.items():
        with writing(deployment.control) as connection:
            try:
                export = find_export(connection, organization, slug)
            except NotFound:
                export = create_export(
                    connection,
                    deployment.secret_key,
                    deployment.dataset,
                    organization=organization,
                    slug=slug,
                    connector=DIRECT_DOWNLOAD,
                    definition=definition_from(data),
                )
        found.append(export)
    return found


def instance_file() -> Path:
    """The project's dagster.yaml: beside the package in a checkout, inside it when installed."""
    with as_file(files("export_pipeline")) as package:
        for candidate in (package / "demo" / "dagster.yaml", package.parent / "dagster.yaml"):
            if candidate.exists():
                return candidate
    raise ExportPipelineError("dagster.yaml is missing from the installation; install the package again")
