"""What is tried with the object that a check writes, step by step."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from export_pipeline.connectors.connector import ConnectorConfig
from export_pipeline.connectors.folder import FolderDestination
from export_pipeline.connectors.probing import CONTENT, REWRITTEN, Probe, Unsuitable, probe_key
from export_pipeline_tests.connectors.objects import keys, read

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
