"""Dagster's three processes on our definitions: code server, webserver, daemon."""

import errno
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from export_pipeline.errors import ExportPipelineError, InvalidRequest
from export_pipeline.processes.graphql import LOCATION, Webserver
from export_pipeline.processes.tethered import Tethered

MODULE = "export_pipeline.orchestration.definitions"

# Generous: the first start on a slow machine compiles a thousand modules.
SECONDS_TO_START = 180

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """A Dagster instance on disk: `home` is DAGSTER_HOME; `environ` is what its processes see."""

    home: Path
    environ: Mapping[str, str]

    @contextmanager
    def webserver(self, port: int) -> Iterator[tuple[Webserver, "Running"]]:
        """Run the code server and the webserver for as long as the block lasts.

        InvalidRequest, and nothing is started, when the port is taken.
        """
        check_free(port)
        environ = {**self.environ, "DAGSTER_HOME": str(self.home)}
        logs = self.home / "process-logs"
        logs.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            running = Running(stack, environ, logs, self._workspace(code_port := free_port()))
            running.start("dagster", "code-server", "start", "-m", MODULE, "-h", HOST, "-p", str(code_port))
            running.wait(lambda: listens(code_port))
            running.start("dagster-webserver", "-h", HOST, "-p", str(port), "-w", str(running.workspace))
            webserver = Webserver(f"http://{HOST}:{port}")
            running.wait(lambda: webserver.ready(code_port))
            yield webserver, running

    def _workspace(self, code_port: int) -> Path:
        path = self.home / "workspace.yaml"
        path.write_text(
            "load_from:\n  - grpc_server:\n"
            f"      host: {HOST}\n      port: {code_port}\n      location_name: {LOCATION}\n"
        )
        return path


class Running:
    """The processes started so far; they end together, and if one ends by itself that is an error."""

    def __init__(self, stack: ExitStack, environ: Mapping[str, str], logs: Path, workspace: Path) -> None:
        self.workspace = workspace
        self._stack, self._environ, self._logs = stack, environ, logs
        self._processes: list[Tethered] = []

    def start(self, program: str, *arguments: str) -> None:
        """Start one of Dagster's programs, the ones installed beside our Python."""
        path = Path(sys.executable).with_name(program)
        name = "-".join((program, *arguments[:1])) if program == "dagster" else program
        self.start_command(name, [str(path), *arguments])

    def start_command(self, name: str, command: Sequence[str]) -> None:
        """Start whatever else is to run and to end with them; `name` is its log's."""
        process = Tethered(command, log=self._logs / f"{name}.log", environ=self._environ)
        self._processes.append(self._stack.enter_context(process))

    def start_daemon(self) -> None:
        """Start what runs schedules, sensors, backfills and the queue."""
        self.start("dagster-daemon", "run", "-w", str(self.workspace))

    def check(self) -> None:
        """Raise if any of the processes has ended."""
        for process in self._processes:
            process.check()

    def wait(self, ready: Callable[[], bool], seconds: float = SECONDS_TO_START) -> None:
        """Until `ready` says so. Raises when a process ends first, or it takes longer than `seconds`."""
        give_up = time.monotonic() + seconds
        while not ready():
            self.check()
            if time.monotonic() > give_up:
                raise ExportPipelineError(
                    f"Dagster or the API did not start within {seconds:.0f} s; see {self._logs}"
                )
            time.sleep(0.1)


def check_free(port: int, host: str = HOST, *, cure: str = "use --port to name another") -> None:
    """InvalidRequest unless the port can be listened on; `cure` says how to name another."""
    with socket.socket() as probe:
        # As the webserver does: connections of an earlier one that are still closing are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            raise InvalidRequest(
                f"port {port} {'is taken' if taken else f'cannot be listened on ({error.strerror})'}; {cure}",
                field="port",
            ) from error


def free_port() -> int:
    """A port nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def listens(port: int) -> bool:
    """Whether somebody on this machine answers at the port."""
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0
