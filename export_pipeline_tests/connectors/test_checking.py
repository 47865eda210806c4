"""A connector is tried step by step, and each step says how it went."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from export_pipeline.connectors.checking import CheckStep, check
from export_pipeline.connectors.connector import ConnectorConfig
from export_pipeline.connectors.destination import Destination, Proof, StoredObject, Upload, Version
from export_pipeline.connectors.folder import FolderDestination
from export_pipeline_tests.connectors.objects import Unseen, keys
from export_pipeline_tests.servers.http import Receiver
from export_pipeline_tests.servers.s3 import S3Server

STEPS = ["list", "write", "read", "conditional write", "delete"]


def outcome(steps: Iterator[CheckStep]) -> list[tuple[str, bool]]:
    return [(step.name, step.ok) for step in steps]


def test_a_good_connector_passes_every_step(connector: ConnectorConfig) -> None:
    assert outcome(check(connector.open())) == [(name, True) for name in STEPS]


def test_nothing_is_left_behind(connector: ConnectorConfig) -> None:
    list(check(connector.open()))

    assert keys(connector.open()) == []


def test_a_check_that_is_broken_off_leaves_nothing_behind(tmp_path: Path) -> None:
    destination = FolderDestination(tmp_path)
    steps = check(destination)
    next(steps)
    next(steps)
    there_meanwhile = len(keys(destination))

    steps.close()  # type: ignore[attr-defined]  # a generator, though promised as an iterator

    assert there_meanwhile == 1
    assert keys(destination) == []


def test_who_may_not_write_hears_so_at_that_step(s3_server: S3Server) -> None:
    steps = list(check(s3_server.config(s3_server.new_bucket(), user=s3_server.reader).open()))

    assert outcome(iter(steps)) == [("list", True), ("write", False)]
    assert "check the connector's credentials" in steps[-1].message


def test_who_may_only_write_is_told_what_has_to_do_for_a_proof(s3_server: S3Server) -> None:
    steps = list(check(s3_server.config(s3_server.new_bucket(), user=s3_server.writer).open()))

    assert all(step.ok for step in steps)
    (read_back,) = [step for step in steps if step.name == "read"]
    assert "the store's checksum has to do for a proof: not allowed to read" in read_back.message


def test_a_missing_bucket_is_named(s3_server: S3Server) -> None:
    (step,) = check(s3_server.config("no-such-bucket").open())

    assert not step.ok
    assert "no such bucket" in step.message


def test_messages_are_sentences(s3_server: S3Server) -> None:
    steps = [*check(s3_server.config(s3_server.new_bucket()).open()), *check(s3_server.config("none").open())]

    assert all(step.message[0].isupper() and step.message.endswith(".") for step in steps)


@dataclass(frozen=True)
class Careless:
    """A store as some are: it takes every write and ignores the conditions."""

    inner: Destination

    def begin(self, key: str, metadata: Mapping[str, str]) -> Upload:
        return CarelessUpload(self.inner, key, self.inner.begin(key, metadata))

    def head(self, key: str) -> StoredObject | None:
        return self.inner.head(key)

    def get(self, key: str) -> Iterator[bytes]:
        return self.inner.get(key)

    def list(self, prefix: str) -> Iterator[StoredObject]:
        return self.inner.list(prefix)

    def delete(self, key: str) -> None:
        self.inner.delete(key)


@dataclass(frozen=True)
class CarelessUpload:
    destination: Destination
    key: str
    inner: Upload

    @property
    def proof(self) -> Proof:
        return self.inner.proof

    def write(self, data: bytes) -> None:
        self.inner.write(data)

    def commit(self, *, replaces: Version | None) -> Version:  # noqa: ARG002  # that is its fault
        found = self.destination.head(self.key)
        return self.inner.commit(replaces=found.version if found else None)

    def abort(self) -> None:
        self.inner.abort()


class Forgetful(Careless):
    """A store whose objects cannot be deleted, and which does not say so."""

    def begin(self, key: str, metadata: Mapping[str, str]) -> Upload:
        return self.inner.begin(key, metadata)

    def delete(self, key: str) -> None:
        pass


def test_a_store_that_ignores_conditions_is_found_out(tmp_path: Path) -> None:
    steps = list(check(Careless(FolderDestination(tmp_path))))

    assert outcome(iter(steps))[-1] == ("conditional write", False)
    assert "If-None-Match" in steps[-1].message


def test_a_store_that_does_not_delete_is_found_out(tmp_path: Path) -> None:
    steps = list(check(Forgetful(FolderDestination(tmp_path))))

    assert outcome(iter(steps))[-1] == ("delete", False)


@pytest.mark.parametrize("changed", [b"", b"something else"])
def test_a_store_that_changes_objects_is_found_out(tmp_path: Path, changed: bytes) -> None:
    steps = check(FolderDestination(tmp_path))
    next(steps)
    next(steps)
    (probe,) = tmp_path.glob("export-pipeline-check-*")
    probe.write_bytes(changed)

    step = next(steps)

    assert (step.name, step.ok) == ("read", False)


def test_where_nobody_may_look_the_check_says_what_that_means(tmp_path: Path) -> None:
    steps = {step.name: step for step in check(Unseen(FolderDestination(tmp_path)))}

    assert [(step.name, step.ok) for step in steps.values()] == [(name, True) for name in STEPS]
    assert "need not be" in steps["list"].message
    assert "store's answer has to do for a proof" in steps["read"].message
    assert "written whatever is there" in steps["conditional write"].message
    assert "may stay there" in steps["delete"].message


class Blunt(Careless):
    """A store that keeps bytes and forgets what is said of them."""

    def begin(self, key: str, metadata: Mapping[str, str]) -> Upload:  # noqa: ARG002  # that is its fault
        return self.inner.begin(key, {})


def test_a_store_that_forgets_metadata_is_found_out(tmp_path: Path) -> None:
    steps = list(check(Blunt(FolderDestination(tmp_path))))

    assert outcome(iter(steps))[-1] == ("read", False)
    assert "keeps metadata" in steps[-1].message


def test_a_receiver_that_shows_nothing_passes_and_is_told_what_that_means(http_receiver: Receiver) -> None:
    config = http_receiver.config(http_receiver.new_space(), readable=False)

    steps = list(check(config.open()))

    assert outcome(iter(steps)) == [(name, True) for name in STEPS]
    assert "has to do for a proof" in steps[2].message
