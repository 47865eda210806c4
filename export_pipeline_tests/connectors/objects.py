"""How tests write and read whole objects, and lead connectors to another address."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from random import Random

from export_pipeline.connectors.connector import ConnectorConfig, config_from
from export_pipeline.connectors.destination import Destination, StoredObject, Upload, Version
from export_pipeline.connectors.http_store import HttpDestination
from export_pipeline.connectors.reading import ReadApart
from export_pipeline.connectors.secret import reveal
from export_pipeline.errors import Unreadable
from export_pipeline_tests.servers.http import objects_behind

ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)")

MIB = 1 << 20


def put(
    destination: Destination,
    key: str,
    *pieces: bytes,
    replaces: Version | None = None,
    metadata: Mapping[str, str] | None = None,
) -> Version:
    """Write an object as the pipeline does: whatever happens, nothing is left behind."""
    upload = destination.begin(key, metadata or {})
    try:
        for piece in pieces:
            upload.write(piece)
        return upload.commit(replaces=replaces)
    finally:
        upload.abort()


def read(destination: Destination, key: str) -> bytes:
    return b"".join(destination.get(key))


def keys(destination: Destination, prefix: str = "") -> list[str]:
    return [found.key for found in listed(destination, prefix)]


def listed(destination: Destination, prefix: str = "") -> list[StoredObject]:
    """What lies there. Where a store does not list, its server is looked into."""
    try:
        return list(destination.list(prefix))
    except Unreadable:
        there = destination.writer if isinstance(destination, ReadApart) else destination
        if not isinstance(there, HttpDestination):
            raise
        return [found for found in objects_behind(there.address_of("")) if found.key.startswith(prefix)]


def noise(size: int) -> bytes:
    """Bytes that no two parts of an object share; the same every time."""
    return Random(size).randbytes(size)


def odd_pieces(content: bytes) -> Iterator[bytes]:
    """The content cut into pieces of many sizes: none, one byte, primes, several parts at once."""
    sizes: Iterable[int] = (0, 1, 4_099, 65_537, 9 * MIB, 1_000_003, 7)
    start = 0
    while start < len(content):
        for size in sizes:
            yield content[start : start + size]
            start += size


def port_of(config: ConnectorConfig) -> int:
    """Where the server is that the connector leads to."""
    found = ADDRESS.search(reveal(config))
    assert found is not None
    return int(found[1])


def led_to(url: str, config: ConnectorConfig) -> ConnectorConfig:
    """The same connector, asking at `url` instead of at its server, whatever its type calls that."""
    return config_from(ADDRESS.sub(url, reveal(config)))


@dataclass(frozen=True)
class Unseen:
    """A destination whose files nobody may read; whether they are there may be seen, or not."""

    inner: Destination
    may_look_first: bool = False

    def begin(self, key: str, metadata: Mapping[str, str]) -> Upload:
        return self.inner.begin(key, metadata)

    def head(self, key: str) -> StoredObject | None:
        if self.may_look_first:
            return self.inner.head(key)
        raise Unreadable("not allowed to look")

    def get(self, key: str) -> Iterator[bytes]:
        raise Unreadable(f"not allowed to read {key}")

    def list(self, prefix: str) -> Iterator[StoredObject]:
        raise Unreadable(f"not allowed to list {prefix}")

    def delete(self, key: str) -> None:
        self.inner.delete(key)
