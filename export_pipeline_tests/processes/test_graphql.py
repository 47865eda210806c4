"""What we ask of Dagster's webserver, asked of a real one."""

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer

import dagster as dg
import pytest

from export_pipeline.errors import ExportPipelineError
from export_pipeline.orchestration.jobs import export_task
from export_pipeline.processes.dagster import Instance, free_port
from export_pipeline.processes.graphql import Webserver
from export_pipeline_tests.acceptance.conftest import dagster_environ
from export_pipeline_tests.installations import Installation, an_installation, hours

KEYS = [window.key for window in hours(0, 2)]
EVENTS = ["exports", "events"]


@dataclass(frozen=True)
class Served:
    """An installation with the export `events`, and a webserver on it. No daemon: nothing is ever run."""

    installation: Installation
    instance: Instance
    webserver: Webserver

    @property
    def code_port(self) -> int:
        """Where its code server listens."""
        workspace = (self.instance.home / "workspace.yaml").read_text()
        return int(re.findall(r"port: (\d+)", workspace)[0])


class Page(BaseHTTPRequestHandler):
    """A program that answers everything with a page."""

    def do_POST(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<!doctype html>")

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with an_installation(tmp_path_factory.mktemp("served") / "home") as installation:
        installation.export()
        instance = Instance(home=installation.folder / "dagster", environ=dagster_environ(installation))
        with instance.webserver(free_port()) as (webserver, _running):
            yield Served(installation, instance, webserver)


def test_a_webserver_that_has_loaded_our_definitions_is_ready(served: Served) -> None:
    assert served.webserver.ready(served.code_port)


def test_a_webserver_of_another_code_server_is_not_the_one_we_wait_for(served: Served) -> None:
    assert not served.webserver.ready(free_port())


def test_where_nobody_listens_nobody_is_ready(served: Served) -> None:
    assert not Webserver(f"http://127.0.0.1:{free_port()}").ready(served.code_port)


def test_who_does_not_speak_json_is_not_ready() -> None:
    with HTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.handle_request).start()
        assert not Webserver(f"http://127.0.0.1:{server.server_port}").ready(1)


def test_a_backfill_is_taken_with_its_hours_and_its_title(served: Served) -> None:
    backfill_id = served.webserver.launch_backfill([EVENTS], KEYS, "Three hours")
    with dg.DagsterInstance.from_config(str(served.instance.home)) as instance:
        backfill = instance.get_backfill(backfill_id)
    assert backfill is not None
    assert backfill.title == "Three hours"
    assert backfill.asset_backfill_data is not None
    wanted = backfill.asset_backfill_data.target_subset.iterate_asset_partitions()
    assert {(*asset.asset_key.path, asset.partition_key) for asset in wanted} == {
        (*EVENTS, key) for key in KEYS
    }


def test_a_backfill_of_an_unknown_asset_is_our_error(served: Served) -> None:
    with pytest.raises(ExportPipelineError, match=r"Dagster did not take the backfill: .*nothing"):
        served.webserver.launch_backfill([["exports", "nothing"]], KEYS, "Nothing")


def test_a_backfill_of_unknown_hours_is_our_error(served: Served) -> None:
    with pytest.raises(ExportPipelineError, match="Dagster did not take the backfill: "):
        served.webserver.launch_backfill([EVENTS], ["1999-01-01-00:00"], "Before anything")


def test_the_runs_of_a_backfill_are_found_with_their_status_and_no_others(served: Served) -> None:
    config = {"ops": {"plan_task": {"config": {"task_id": "a task"}}}}
    with dg.DagsterInstance.from_config(str(served.instance.home)) as instance:
        ours, _other = (
            instance.create_run_for_job(
                export_task,
                tags={"dagster/backfill": name},
                status=dg.DagsterRunStatus.SUCCESS,
                run_config=config,
            )
            for name in ("ours", "another")
        )
    assert served.webserver.runs_of_backfill("ours") == {ours.run_id: "SUCCESS"}


def test_a_backfill_that_has_begun_no_run_has_none(served: Served) -> None:
    assert served.webserver.runs_of_backfill("nobody's") == {}


def test_a_new_export_is_there_after_a_reload(served: Served) -> None:
    served.installation.export("later")
    with pytest.raises(ExportPipelineError, match="later"):
        served.webserver.launch_backfill([["exports", "later"]], KEYS, "Too early")
    served.webserver.reload()
    assert served.webserver.launch_backfill([["exports", "later"]], KEYS, "In time")
