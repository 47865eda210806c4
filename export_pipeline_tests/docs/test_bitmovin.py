"""The page on Bitmovin's document: its commands work, and what it lists is there."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from export_pipeline.api.bitmovin.output_kinds import KINDS
from export_pipeline.dataset.declaration import load_dataset
from export_pipeline.exports.task import TaskStatus
from export_pipeline_tests.api.bitmovin.conftest import Customer, a_customer, licensed
from export_pipeline_tests.api.bitmovin.viewing import DECLARATION, viewing
from export_pipeline_tests.api.conftest import Api, serving
from export_pipeline_tests.docs.pages import blocks, page, tables

PAGE = page("api/bitmovin.md")
OUTPUTS, STATUSES = tables(PAGE)


@pytest.fixture(scope="module")
def customer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Customer]:
    folder = tmp_path_factory.mktemp("page")
    with viewing(folder / "home") as installation, serving(installation, folder / "log") as url:
        api = Api(url, installation, folder / "log")
        yield licensed(api, a_customer(api))


def test_every_kind_of_output_and_every_status_is_listed() -> None:
    assert [row[0] for row in OUTPUTS] == [*KINDS]
    assert {row[0] for row in STATUSES} == {*TaskStatus}


def test_the_declaration_is_one(tmp_path: Path) -> None:
    (shown,) = blocks(PAGE, "toml")
    assert shown in DECLARATION

    file = tmp_path / "dataset.toml"
    file.write_text(DECLARATION)
    assert load_dataset(file, {}).faces["bitmovin"] == {"sessions": "sessions", "ads": "ad_impressions"}


def test_the_commands_make_an_output_and_a_task(customer: Customer) -> None:
    (script,) = blocks(PAGE, "bash")
    environ = {**os.environ, "URL": customer.url, "KEY": customer.key, "SECRET": "never-told-anybody"}

    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    task = json.loads(done.stdout)["data"]["result"]
    assert (task["status"], task["columns"]) == ("QUEUED", ["PLAYED", "IMPRESSION_ID"])


def test_the_client_is_told_how_many_tasks_there_are(customer: Customer) -> None:
    (script,) = blocks(PAGE, "python")
    given = f"key, url = {customer.key!r}, {customer.url!r}\n"

    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", given + script], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == customer.exports.list().total_count
