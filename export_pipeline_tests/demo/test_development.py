"""`dev` from start to Ctrl-C, as somebody who develops lives through it."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from export_pipeline.demo.home import DemoHome
from export_pipeline.processes.dagster import HOST, free_port
from export_pipeline.processes.graphql import Webserver
from export_pipeline_tests.cli.terminals import INTERRUPTIBLE

BIN = Path(sys.executable).parent

# It takes about fifteen seconds to start; tests may share a core.
SECONDS_TO_WAIT = 180

DEFINITION = {
    "tables": [{"name": "weather"}],
    "format": {"type": "csv"},
    "subdirectory": "mine",
    "first_hour": "2013-01-01T00:00:00Z",
    "until": "2013-01-02T00:00:00Z",
}


@dataclass(frozen=True, kw_only=True)
class Story:
    """What was seen of one `dev`."""

    page: str
    ready: Mapping[str, Any]
    printed: str
    taken: str
    processes: int
    left: list[str]
    code: int


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Started; looked at; an export made from another shell; interrupted."""
    home = DemoHome(tmp_path_factory.mktemp("dev") / "home")
    output = home.folder.with_name("printed")
    webserver = Webserver(f"http://127.0.0.1:{(port := free_port())}")
    with output.open("wb") as printed:
        dev = subprocess.Popen(
            [
                *(sys.executable, "-c", INTERRUPTIBLE),
                *(BIN / "export-pipeline", "dev", "--home", home.folder, "--port", str(port)),
            ],
            stdout=printed,
            stderr=subprocess.STDOUT,
            env={**os.environ, "COLUMNS": "200"},
            start_new_session=True,
        )
    try:
        wait(lambda: "The UI:" in output.read_text(), dev, output)
        with urllib.request.urlopen(webserver.url, timeout=60) as page:
            text = page.read().decode()
        create_export(home)
        wait(lambda: "The exports changed" in output.read_text(), dev, output)
        taken = webserver.launch_backfill([["exports", "mine"]], ["2013-01-01-00:00"], "The new export")
        (api,) = re.findall(r"The API: (http://\S+)/docs", output.read_text())
        wait(lambda: readiness(api)["dagster"]["status"] == "up", dev, output)
        ready = readiness(api)
        processes = psutil.Process(dev.pid).children(recursive=True)
        dev.send_signal(signal.SIGINT)
        code = dev.wait(SECONDS_TO_WAIT)
        return Story(
            page=text,
            ready=ready,
            printed=output.read_text(),
            taken=taken,
            processes=len(processes),
            left=[" ".join(process.cmdline()) for process in psutil.wait_procs(processes, timeout=5)[1]],
            code=code,
        )
    finally:
        dev.kill()
        dev.wait()


def wait(done: Callable[[], bool], dev: "subprocess.Popen[bytes]", output: Path) -> None:
    give_up = time.monotonic() + SECONDS_TO_WAIT
    while not done():
        assert dev.poll() is None, output.read_text()
        assert time.monotonic() < give_up, output.read_text()
        time.sleep(0.1)


def readiness(api: str) -> Any:
    with urllib.request.urlopen(f"{api}/readyz", timeout=60) as answer:
        return json.loads(answer.read())


def create_export(home: DemoHome) -> None:
    """As from another shell."""
    file = home.folder / "mine.json"
    file.write_text(json.dumps(DEFINITION))
    made = subprocess.run(
        [BIN / "export-pipeline", "export", "create", "mine", "--definition", file],
        env={**os.environ, **home.variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr


def test_it_says_where_the_ui_is_and_the_ui_is_there(story: Story) -> None:
    assert "The UI: http://127.0.0.1:" in story.printed
    assert "Dagster" in story.page


def test_it_says_where_the_api_is_and_the_api_sees_dagster(story: Story) -> None:
    assert story.ready["status"] == "ready"
    assert story.ready["dagster"]["status"] == "up"


def test_an_export_made_meanwhile_appears_by_itself(story: Story) -> None:
    assert story.taken


def test_ctrl_c_ends_everything_that_it_started(story: Story) -> None:
    assert story.processes >= 8  # three of Dagster's, the API, and a guard for each
    assert story.left == []


def test_ctrl_c_is_no_mishap(story: Story) -> None:
    assert story.code in {0, 130}
    assert "Traceback" not in story.printed


@pytest.mark.parametrize("by", ["environment", "folder"])
def test_a_port_that_is_taken_is_refused_before_anything_is_made(tmp_path: Path, by: str) -> None:
    """Another webserver there would answer for ours."""
    home = tmp_path / "home"
    named = ("--home", str(home)) if by == "folder" else ()
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        port = other.getsockname()[1]
        refused = subprocess.run(
            [BIN / "export-pipeline", "dev", *named, "--port", str(port)],
            env={**os.environ, "EXPORT_PIPELINE_HOME": str(home)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith(f"error: port {port} is taken; use --port")
    assert {path.name for path in tmp_path.rglob("*")} <= {"home", "lock"}
