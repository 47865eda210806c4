"""`serve` serves the installation that the environment names."""

import os
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest

from export_pipeline.processes.tethered import Tethered
from export_pipeline_tests.cli.conftest import CallCli
from export_pipeline_tests.servers.ports import free_port

SECONDS_TO_START = 60


def test_it_serves_keys_that_the_command_line_made(
    call_cli: CallCli, environ: Mapping[str, str], tmp_path: Path
) -> None:
    key = call_cli("key", "create", "--privilege", "admin", "--json").document["key"]
    port = free_port()
    command = [str(Path(sys.executable).with_name("export-pipeline")), "serve", "--port", str(port)]

    with Tethered(command, log=tmp_path / "log", environ=environ) as server:
        give_up = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < give_up:
            server.check()
            try:
                answer = httpx.get(f"http://127.0.0.1:{port}/api/v1/keys", headers={"X-Api-Key": key})
                break
            except httpx.TransportError:
                time.sleep(0.05)

    assert answer.status_code == 200


def test_a_port_that_is_taken_is_said(call_cli: CallCli) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = call_cli("serve", "--port", str(taken.getsockname()[1]))

    assert result.code == 2
    assert "is taken" in result.err


def test_settings_that_are_wrong_are_said_before_it_starts(
    call_cli: CallCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "EXPORT_PIPELINE_REQUESTS_PER_MINUTE", "0")

    result = call_cli("serve", "--port", str(free_port()))

    assert result.code == 2
    assert "EXPORT_PIPELINE_REQUESTS_PER_MINUTE" in result.err
