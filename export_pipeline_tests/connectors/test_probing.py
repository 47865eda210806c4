"""What is tried with the object that a check writes, step by step."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from export_pipeline.connectors.connector import ConnectorConfig
from export_pipeline.connectors.folder import FolderDestination
from export_pipeline.connectors.probing import CONTENT, REWRITTEN, Probe, Unsuitable, probe_key
from export_pipeline.errors import Denied
from export_pipeline_tests.connectors.conftest import Users
from export_pipeline_tests.connectors.objects import keys, led_to, port_of, read
from export_pipeline_tests.servers.fault_proxy import Instead, Request, fault_proxy

DENIED = Instead(status="403 Forbidden", body=b"<Error><Code>AccessDenied</Code></Error>")
KEY = "export-pipeline-check-mine.txt"


@pytest.fixture
def probe(tmp_path: Path) -> Iterator[Probe]:
    tried = Probe(FolderDestination(tmp_path), KEY, stays=False)
    yield tried
    tried.remove()


def test_nobody_else_uses_its_name() -> None:
    assert probe_key() != probe_key()


def test_it_is_written_read_written_over_and_deleted(connector: ConnectorConfig) -> None:
    store = connector.open()
    probe = Probe(store, KEY, stays=False)

    probe.authenticate()
    probe.list()
    probe.write()
    assert read(store, KEY) == CONTENT
    probe.read()
    probe.overwrite()
    assert read(store, KEY) == REWRITTEN
    probe.delete()
    assert keys(store) == []
    assert not probe.there


def test_it_knows_whether_it_is_there(probe: Probe, tmp_path: Path) -> None:
    assert not probe.there
    probe.write()
    assert probe.there
    probe.remove()
    assert not probe.there
    assert keys(FolderDestination(tmp_path)) == []


def test_what_reads_otherwise_than_it_was_written_is_found_out(probe: Probe, tmp_path: Path) -> None:
    probe.write()
    (tmp_path / KEY).write_bytes(b"something else")

    with pytest.raises(Unsuitable, match="is something changing objects"):
        probe.read()


def publishing(request: Request) -> bool:
    """Whether an object of S3 is to be there after it."""
    return request.method == ("POST" if "uploadId" in request.path else "PUT")


def only_creating(request: Request) -> Instead | None:
    """As a policy of the bucket that asks for If-None-Match."""
    return DENIED if publishing(request) and "if-none-match" not in request.fields else None


def without_if_match(request: Request) -> Instead | None:
    """As Amazon, of who may not read."""
    return DENIED if "if-match" in request.fields else None


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        (only_creating, "if a policy of the bucket asks for If-None-Match, have it let writes with If-Match"),
        (without_if_match, "on S3 takes s3:GetObject besides"),
    ],
)
def test_who_may_create_and_not_replace_is_told_what_is_let(
    s3_users: Users, plan: Callable[[Request], Instead | None], told: str
) -> None:
    with fault_proxy(port_of(s3_users.owner), plan) as proxy:
        probe = Probe(led_to(proxy.url, s3_users.owner).open(), KEY, stays=False)
        probe.write()

        with pytest.raises(Denied, match=told) as caught:
            probe.overwrite()

        probe.remove()
    assert "not allowed to write" in str(caught.value)
    assert keys(s3_users.owner.open()) == []
