"""Dagster's processes start together, end together, and say why when they cannot."""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from export_pipeline.errors import ExportPipelineError, InvalidRequest
from export_pipeline.processes.dagster import HOST, Instance, Running, check_free, free_port
from export_pipeline_tests.acceptance.conftest import dagster_environ
from export_pipeline_tests.installations import an_installation


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    with ExitStack() as stack:
        yield Running(stack, os.environ, tmp_path, tmp_path / "workspace.yaml")


@pytest.fixture(scope="module")
def broken_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("broken") / "home"


@pytest.fixture(scope="module")
def complaint(broken_home: Path) -> str:
    """What starting on a control database that cannot be read comes to."""
    with an_installation(broken_home) as installation:
        environ = dagster_environ(installation)
    for database in broken_home.glob("control.db*"):
        database.write_bytes(b"this is no database at all " * 200)
    instance = Instance(home=broken_home / "dagster", environ=environ)
    with pytest.raises(ExportPipelineError) as raised, instance.webserver(free_port()):
        pass
    return str(raised.value)


def processes_of(home: Path) -> list[str]:
    """The processes that were started with that folder as theirs, whoever started them."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("DAGSTER_HOME") == str(home):
                found.append(" ".join(process.cmdline()))
        except (psutil.AccessDenied, psutil.NoSuchProcess):
            continue
    return found


def test_definitions_that_do_not_load_are_told_with_their_reason(complaint: str) -> None:
    assert complaint.startswith("Dagster could not load the exports: ")
    assert "file is not a database" in complaint


@pytest.mark.usefixtures("complaint")
def test_no_process_is_left_after_definitions_that_do_not_load(broken_home: Path) -> None:
    assert processes_of(broken_home / "dagster") == []


@pytest.mark.usefixtures("complaint")
def test_each_process_has_a_log_below_the_instance(broken_home: Path) -> None:
    logs = {path.name for path in (broken_home / "dagster" / "process-logs").iterdir()}
    assert logs == {"dagster-code-server.log", "dagster-webserver.log"}


def test_a_process_that_ends_by_itself_is_an_error(running: Running) -> None:
    running.start("python", "-c", "raise SystemExit('no such table')")
    with pytest.raises(ExportPipelineError, match=r"(?s)python stopped with 1.*no such table"):
        running.wait(lambda: False)


def test_waiting_ends_as_soon_as_it_may(running: Running) -> None:
    answers = iter([False, False, True])
    running.wait(lambda: next(answers))
    assert next(answers, None) is None


def test_what_takes_too_long_is_told_with_the_place_of_the_logs(running: Running, tmp_path: Path) -> None:
    with pytest.raises(ExportPipelineError, match=f"did not start within 0 s; see {tmp_path}"):
        running.wait(lambda: False, seconds=0.1)


def test_a_free_port_can_be_listened_on() -> None:
    with socket.socket() as server:
        server.bind((HOST, free_port()))
        server.listen()


def test_a_port_where_somebody_listens_is_refused_and_nothing_is_started(tmp_path: Path) -> None:
    instance = Instance(home=tmp_path / "dagster", environ=os.environ)
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        port = other.getsockname()[1]
        with (
            pytest.raises(InvalidRequest, match=f"port {port} is taken; use --port"),
            instance.webserver(port),
        ):
            pass
    assert not instance.home.exists()


def test_a_port_whose_last_connections_are_still_closing_can_be_listened_on() -> None:
    """As after a `dev` that was stopped while a browser looked at it."""
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((HOST, port := free_port()))
        server.listen()
        with socket.create_connection((HOST, port)):
            accepted, _address = server.accept()
            accepted.close()
    check_free(port)
