"""Downloads by signed links: whole, in ranges, and no more once they are gone."""

import io
import socket
import time
import zipfile
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from fastapi import Request

from export_pipeline.api.downloads import (
    BEGUN_AT_ONCE,
    MOST_AT_ONCE,
    archive_link,
    disposition,
    file_link,
    media_type,
)
from export_pipeline.api.streams import PIECES_AT_ONCE
from export_pipeline.exports.task import ExportTask
from export_pipeline.store.database import writing
from export_pipeline.store.exports import get_export
from export_pipeline.store.schema import HOURS
from export_pipeline.store.tasks import add_task, fail_task
from export_pipeline_tests.api.conftest import Api, Somebody
from export_pipeline_tests.installations import FIRST, hours
from export_pipeline_tests.runs import deliver

KEY = "stored/2026-01-05-01-00.csv"


@pytest.fixture(scope="module")
def task(api: Api) -> ExportTask:
    """Three hours, delivered."""
    export = api.installation.export("stored", standing=False)
    assert not deliver(api.installation, export, hours(0, 2)).failed
    with writing(api.installation.deployment.control) as connection:
        until = FIRST + timedelta(hours=3)
        return add_task(connection, export, since=FIRST, until=until, force=False)


@pytest.fixture
def content(api: Api) -> bytes:
    return (api.installation.downloads / KEY).read_bytes()


def asked(api: Api) -> Request:
    """What a route of a face has in hand when it gives out a link."""
    return cast("Request", SimpleNamespace(base_url=f"{api.url}/"))


def linked(api: Api, task: ExportTask, key: str = KEY, **how: Any) -> str:
    return file_link(asked(api), api.installation.deployment, task, key, **how)


def test_a_file_comes_whole_without_any_key(api: Api, task: ExportTask, content: bytes) -> None:
    got = httpx.get(linked(api, task))

    assert (got.status_code, got.content) == (200, content)
    assert got.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert got.headers["Content-Disposition"] == 'attachment; filename="2026-01-05-01-00.csv"'
    assert got.headers["Content-Length"] == str(len(content))
    assert got.headers["Accept-Ranges"] == "bytes"


@pytest.mark.parametrize(
    ("wanted", "first", "end"),
    [
        ("bytes=0-9", 0, 10),
        ("bytes=10-", 10, None),
        ("bytes=-7", -7, None),
        ("bytes=5-999999999", 5, None),
    ],
)
def test_a_range_of_its_bytes_comes_alone(
    api: Api, task: ExportTask, content: bytes, wanted: str, first: int, end: int | None
) -> None:
    got = httpx.get(linked(api, task), headers={"Range": wanted})

    assert (got.status_code, got.content) == (206, content[first:end])
    begin = first % len(content)
    assert got.headers["Content-Range"] == f"bytes {begin}-{begin + len(got.content) - 1}/{len(content)}"


@pytest.mark.parametrize("wanted", ["bytes=999999999-", "bytes=-0"])
def test_a_range_that_is_not_there_is_refused(
    api: Api, task: ExportTask, content: bytes, wanted: str
) -> None:
    got = httpx.get(linked(api, task), headers={"Range": wanted})

    assert (got.status_code, got.headers["Content-Range"]) == (416, f"bytes */{len(content)}")


@pytest.mark.parametrize(
    "wanted", ["bytes=0-1,4-5", "lines=0-1", "bytes=-", "bytes=5-2", f"bytes={'1' * 5000}-"]
)
def test_what_is_no_single_range_is_answered_with_all(
    api: Api, task: ExportTask, content: bytes, wanted: str
) -> None:
    got = httpx.get(linked(api, task), headers={"Range": wanted})

    assert (got.status_code, got.content) == (200, content)


def test_a_download_is_taken_up_again_only_if_the_file_is_the_same(api: Api, task: ExportTask) -> None:
    link = linked(api, task)
    tag = httpx.head(link).headers["ETag"]

    same = httpx.get(link, headers={"Range": "bytes=5-", "If-Range": tag})
    other = httpx.get(link, headers={"Range": "bytes=5-", "If-Range": '"another"'})

    assert (same.status_code, other.status_code) == (206, 200)
    assert other.content.endswith(same.content)


def test_a_look_gives_the_fields_and_no_bytes(api: Api, task: ExportTask, content: bytes) -> None:
    got = httpx.head(linked(api, task))

    assert (got.status_code, got.content) == (200, b"")
    assert got.headers["Content-Length"] == str(len(content))


def test_a_zip_comes_under_its_name(api: Api, task: ExportTask) -> None:
    link = archive_link(asked(api), api.installation.deployment, task, "my export.zip")

    got = httpx.get(link)

    assert got.headers["Content-Type"] == "application/zip"
    assert got.headers["Content-Disposition"] == 'attachment; filename="my export.zip"'
    with zipfile.ZipFile(io.BytesIO(got.content)) as found:
        assert found.namelist() == ["events.csv"]
    look = httpx.head(link)
    assert (look.status_code, look.content) == (200, b"")
    assert look.headers["Content-Disposition"] == got.headers["Content-Disposition"]


def test_forged_and_ended_links_are_refused(api: Api, task: ExportTask) -> None:
    link = linked(api, task)

    assert httpx.get(link.replace("01-00.csv", "02-00.csv")).status_code == 403
    assert httpx.get(link.partition("?")[0]).status_code == 400
    assert httpx.get(linked(api, task, lasts=timedelta(seconds=-1))).status_code == 410


def test_a_file_that_is_no_more_is_gone(api: Api, task: ExportTask) -> None:
    got = httpx.get(linked(api, task, "stored/never.csv"))

    assert got.status_code == 410
    assert "deleted, or has expired" in got.json()["detail"]


def test_what_is_not_delivered_yet_is_told_with_what_can_be_done(api: Api) -> None:
    """Files that are there are to be had by themselves, but no zip that would lack hours."""
    installation = api.installation
    export = installation.export("half", standing=False)
    assert not deliver(installation, export, hours(0, 1)).failed
    with writing(installation.deployment.control) as connection:
        half = add_task(connection, export, since=FIRST, until=FIRST + timedelta(hours=3), force=False)
    archive = archive_link(asked(api), installation.deployment, half, "half.zip")
    to_come = linked(api, half, "half/2026-01-05-02-00.csv")

    assert [httpx.head(link).status_code for link in (archive, to_come)] == [409, 409]
    for link in (archive, to_come):
        assert f"task {half.id} is QUEUED: its files are to be had when" in httpx.get(link).json()["detail"]
    assert httpx.get(linked(api, half, "half/2026-01-05-01-00.csv")).status_code == 200

    with writing(installation.deployment.control) as connection:
        fail_task(connection, half.id, "the source is away")
    assert "see why, and retry it" in httpx.get(archive).json()["detail"]


def test_the_log_says_why_a_zip_broke_off(api: Api, task: ExportTask) -> None:
    link = archive_link(asked(api), api.installation.deployment, task, "broken.zip")
    file = api.installation.downloads / KEY
    content = file.read_bytes()
    file.write_bytes(content[:-1])
    written = len(api.log.read_text())
    try:
        with httpx.stream("GET", link) as answer, pytest.raises(httpx.RemoteProtocolError):
            answer.read()
    finally:
        file.write_bytes(content)

    assert answer.status_code == 200
    told = api.logged(answer.headers["X-Request-ID"])
    log = api.log.read_text()[written:]
    assert "200" in told
    assert f"the answer broke off: '{KEY}' is not as it was delivered" in log
    assert not any(word in log for word in ("unexpected", "Traceback"))


def test_readers_that_do_not_read_on_are_bounded(api: Api, task: ExportTask) -> None:
    (api.installation.downloads / "stored/large.csv").write_bytes(bytes(20 << 20))
    host, port = api.url.removeprefix("http://").split(":")
    link = linked(api, task, "stored/large.csv")
    address = link.removeprefix(api.url)

    with ExitStack() as stalled:
        for _ in range(MOST_AT_ONCE):
            reader = stalled.enter_context(closing(socket.create_connection((host, int(port)))))
            reader.sendall(f"GET {address} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            assert reader.recv(12) == b"HTTP/1.1 200"
        refused = httpx.get(linked(api, task))
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "5")
        assert "64 requests of yours are under way" in refused.text

    give_up = time.monotonic() + 60
    while (status := httpx.get(linked(api, task)).status_code) == 429 and time.monotonic() < give_up:
        time.sleep(0.1)  # until the server has heard that they left
    assert status == 200


def test_an_organization_whose_store_does_not_answer_keeps_nobody_elses_downloads_waiting(
    api: Api, task: ExportTask, admin: Somebody, content: bytes
) -> None:
    host, port = api.url.removeprefix("http://").split(":")
    with ExitStack() as opened:
        store = opened.enter_context(socket.create_server(("127.0.0.1", 0)))
        store.settimeout(30)
        url = f"http://127.0.0.1:{store.getsockname()[1]}/$key"
        config = {"type": "http", "url": url, "readable": True}
        assert admin.post("/api/v1/connectors", json={"name": "lake", "config": config}).is_success
        id_ = admin.export()["id"]
        with writing(api.installation.deployment.control) as connection:
            export, until = get_export(connection, id_), FIRST + timedelta(hours=1)
            waiting = add_task(connection, export, since=FIRST, until=until, force=False)
        address = linked(api, waiting, "a.csv").removeprefix(api.url)
        readers = [
            opened.enter_context(closing(socket.create_connection((host, int(port)))))
            for _ in range(2 * PIECES_AT_ONCE)
        ]
        for reader in readers:
            reader.sendall(f"GET {address} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        # As many of them as are begun with.
        begun = [opened.enter_context(closing(store.accept()[0])) for _ in range(BEGUN_AT_ONCE)]

        got = httpx.get(linked(api, task), timeout=20)

        for reader in readers:
            reader.close()
        time.sleep(0.5)  # until the server has heard that they left
        for one in begun:
            one.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        store.settimeout(1)
        with pytest.raises(TimeoutError):  # the others are not begun with
            store.accept()

    assert (got.status_code, got.content) == (200, content)


def test_a_look_at_a_zip_reads_no_receipts(api: Api) -> None:
    """They are many: that would take as long as the beginning of the zip."""
    installation = api.installation
    export = installation.export("looked-at", standing=False)
    assert not deliver(installation, export, hours(0, 0)).failed
    with writing(installation.deployment.control) as connection:
        looked_at = add_task(connection, export, since=FIRST, until=FIRST + timedelta(hours=1), force=False)
        connection.execute(
            HOURS.update().where(HOURS.c.export_id == export.id).values(receipt="nothing that can be read")
        )
    link = archive_link(asked(api), installation.deployment, looked_at, "all.zip")

    assert httpx.head(link).status_code == 200
    assert httpx.get(link).status_code == 503


@pytest.mark.parametrize(
    ("key", "type_"),
    [
        ("a/b.csv.gz", "application/gzip"),
        ("b.parquet", "application/vnd.apache.parquet"),
        ("b", "application/octet-stream"),
    ],
)
def test_a_file_is_what_its_name_says(key: str, type_: str) -> None:
    assert media_type(key) == type_


def test_a_name_breaks_no_header() -> None:
    assert (
        disposition('a"b\r\n.zip') == "attachment; filename=\"a_b__.zip\"; filename*=UTF-8''a%22b%0D%0A.zip"
    )


def test_behind_a_proxy_links_lead_to_where_clients_are(api: Api, task: ExportTask) -> None:
    settings = api.installation.deployment.settings.model_copy(
        update={"api_url": "https://exports.example/ep"}
    )
    deployment = replace(api.installation.deployment, settings=settings)

    for link in (
        file_link(asked(api), deployment, task, KEY),
        archive_link(asked(api), deployment, task, "all.zip"),
    ):
        address = link.removeprefix("https://exports.example/ep")
        assert link.startswith("https://exports.example/ep/downloads/")
        assert httpx.get(f"{api.url}{address}").status_code == 200
