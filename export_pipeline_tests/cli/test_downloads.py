"""Links from the command line lead to what the API serves, and are told as it tells them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from export_pipeline_tests.api.conftest import Api, serving
from export_pipeline_tests.cli.conftest import CallCli
from export_pipeline_tests.cli.deliveries import deliver
from export_pipeline_tests.expiries import expire_task
from export_pipeline_tests.installations import ROWS_PER_HOUR, Installation, hours

API_URL = "EXPORT_PIPELINE_API_URL"
TWO_HOURS = ("--from", "2026-01-05T01:00:00Z", "--to", "2026-01-05T03:00:00Z")


@pytest.fixture
def task(call_cli: CallCli, installation: Installation) -> str:
    """Two hours, delivered."""
    deliver(installation, installation.export(), hours(1, 2))
    return str(call_cli("task", "create", "events", *TWO_HOURS, "--json").document["id"])


def without_signatures(document: Mapping[str, Any]) -> dict[str, Any]:
    """What does not depend on the second in which it was told."""
    files = [{**one, "link": one["link"].partition("?")[0]} for one in document["files"]]
    archive = document["archive"].partition("?")[0]
    return {**document, "expires_at": "", "archive": archive, "files": files}


def test_they_are_those_that_the_api_gives_out_and_can_be_followed(
    call_cli: CallCli,
    installation: Installation,
    task: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serving(installation, tmp_path / "log") as url:
        monkeypatch.setenv(API_URL, url)
        told = call_cli("task", "downloads", task, "--json").document
        said = call_cli("task", "downloads", task).out
        api = Api(url, installation, tmp_path / "log")
        with api.client(api.key("default")) as http:
            answered = http.get(f"/api/v1/tasks/{task}/downloads").json()
        followed = [httpx.get(link) for link in (told["archive"], *(one["link"] for one in told["files"]))]

    assert without_signatures(told) == without_signatures(answered)
    assert told["expires_at"].endswith("Z")
    assert [got.status_code for got in followed] == [200, 200, 200]
    assert [len(got.content) for got in followed[1:]] == [one["bytes"] for one in told["files"]]
    first, archive, hour, *_ = said.splitlines()
    assert first == "all of it in one zip:"
    assert archive.startswith(f"{url}/downloads/archives/{task}/events.zip?expires=")
    assert hour.startswith(f"2026-01-05-01:00 events, {ROWS_PER_HOUR} rows, ")
    assert said.splitlines()[-1].startswith("these links end at 20")


def test_they_come_in_pages_of_hours(call_cli: CallCli, task: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(API_URL, "https://exports.example.com")

    said = call_cli("task", "downloads", task, "--limit=1").out.splitlines()[-1]
    cursor = said.removeprefix("there are later hours; go on with: --cursor ")
    rest = call_cli("task", "downloads", task, f"--cursor={cursor}", "--json").document
    wrong = call_cli("task", "downloads", task, "--cursor=x")

    assert ([one["hour"] for one in rest["files"]], rest["next"]) == (["2026-01-05-02:00"], None)
    assert rest["files"][0]["link"].startswith(f"https://exports.example.com/downloads/files/{task}/events/")
    assert (wrong.code, wrong.err.startswith("error: --cursor: is none of this list")) == (2, True)


def test_where_the_api_is_has_to_be_known(call_cli: CallCli, task: str) -> None:
    result = call_cli("task", "downloads", task)

    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("error: EXPORT_PIPELINE_API_URL: is not set; set it to where clients reach")


def test_what_is_not_to_be_had_is_told(
    call_cli: CallCli, installation: Installation, task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(API_URL, "https://exports.example.com")
    later = ("--from", "2026-01-05T03:00:00Z", "--to", "2026-01-05T04:00:00Z")
    waiting = call_cli("task", "create", "events", *later, "--json").document["id"]
    expire_task(installation, task)

    refused = call_cli("task", "downloads", waiting)
    expired = call_cli("task", "downloads", task)

    assert (refused.code, "is QUEUED: its files are to be had when" in refused.err) == (2, True)
    assert (expired.code, "have expired, and were removed" in expired.err) == (1, True)


def test_files_that_cannot_be_joined_have_no_zip(
    call_cli: CallCli, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(API_URL, "https://exports.example.com")
    deliver(installation, installation.export("rows", format={"type": "jsonl"}), hours(1, 2))
    task = call_cli("task", "create", "rows", *TWO_HOURS, "--json").document["id"]

    assert call_cli("task", "downloads", task, "--json").document["archive"] is None
    assert "zip" not in call_cli("task", "downloads", task).out
