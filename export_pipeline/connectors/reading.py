"""A destination that is read with other credentials than it is written with, or cannot be read at all."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar

from export_pipeline.connectors.destination import Destination, StoredObject, Upload
from export_pipeline.errors import Denied, Unreadable

Found = TypeVar("Found")


class ShowsNothing(Unreadable):
    """It takes files and shows them to nobody: so it is told no conditions either."""


def seen(key: str, reader: Callable[[str], Found] | None, writer: Callable[[str], Found]) -> Found:
    """What is at `key`, as whoever may look sees it: the reader if there is one, else the writer."""
    if reader is not None:
        with suppress(Denied):
            return reader(key)
    return writer(key)


@dataclass(frozen=True, slots=True)
class ReadApart:
    """See `Destination`. One place, opened twice: `writer` may write there, `reader` may look.

    Both may be the same. Who may not look is no obstacle to a delivery: it is said, as Unreadable.
    """

    writer: Destination
    reader: Destination

    def begin(self, key: str, metadata: Mapping[str, str]) -> Upload:
        return self.writer.begin(key, metadata)

    def head(self, key: str) -> StoredObject | None:
        with self._unreadable():
            try:
                return self.reader.head(key)
            except Denied:
                # Before something is overwritten it is looked at, by whoever can.
                with suppress(Denied, Unreadable):
                    return self.writer.head(key)
                raise

    def get(self, key: str) -> Iterator[bytes]:
        with self._unreadable():
            yield from self.reader.get(key)

    def list(self, prefix: str) -> Iterator[StoredObject]:
        with self._unreadable():
            yield from self.reader.list(prefix)

    def delete(self, key: str) -> None:
        self.writer.delete(key)

    @contextmanager
    def _unreadable(self) -> Iterator[None]:
        try:
            yield
        except Denied as denied:
            whose = "" if self.reader is self.writer else "with the credentials for reading: "
            raise Unreadable(f"{whose}{denied}") from denied
