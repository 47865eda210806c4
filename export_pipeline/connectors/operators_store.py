"""A store of the operator's, to customers, who are not to know where it lies: that is for the log."""

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

from export_pipeline.connectors.destination import Destination, Proof, StoredObject, Upload, Version
from export_pipeline.errors import HourFailed, NotFound

LOG = logging.getLogger("export_pipeline.connectors")

# What stands in the place of what is not told.
UNTOLD = "…"

# Addresses, numbers of hosts, accounts, and Amazon's names of roles and keys.
_PLACES = (
    r"\b[a-z]+://[^\s;,'\")]+",
    r"\b\d+\.\d+\.\d+\.\d+\b",
    r"\b(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}\b|(?<![\w:])[0-9a-f:]*::[0-9a-f:]*",
    r"(?<![\w.+-])[\w.+-]+@[\w.-]+",
    r"\barn:[^\s;,'\")]+",
)

# The fields of stores that say where they are. Such a name may be a word as any: it is told in quotes.
_FIELDS = ("account_name", "bucket", "container")


class Places:
    """The names by which one store is found."""

    def __init__(self, store: object, address: str) -> None:
        names = [name for field in _FIELDS if (name := getattr(store, field, None))]
        folder, host = getattr(store, "path", None), urlsplit(address).hostname
        spelled = [rf"(?<=['\"]){re.escape(name)}(?=['\"])" for name in names]
        spelled += [rf"(?<!\w){re.escape(str(name))}(?!\w)" for name in (folder, host) if name]
        self._names = re.compile("|".join([*_PLACES, *spelled]), re.IGNORECASE)

    def untold(self, text: str) -> str:
        """The text without them."""
        return self._names.sub(UNTOLD, text)

    def noted(self, text: str) -> str:
        """The same of a failure. The log has all of it."""
        LOG.warning("where files wait for download: %s", text)
        return self.untold(text)

    @contextmanager
    def left_out(self) -> Iterator[None]:
        """What fails is the same failure, without them."""
        try:
            yield
        except HourFailed as error:
            raise error.retold(self.noted(str(error))) from error
        except NotFound as error:
            raise NotFound(self.untold(str(error))) from error


class OperatorsStore:
    """The store, whose failures do not say where it is."""

    def __init__(self, store: Destination, places: Places) -> None:
        self._store = store
        self._places = places

    def begin(self, key: str, metadata: Mapping[str, str]) -> Upload:
        with self._places.left_out():
            return _Upload(self._store.begin(key, metadata), self._places)

    def head(self, key: str) -> StoredObject | None:
        with self._places.left_out():
            return self._store.head(key)

    def get(self, key: str) -> Iterator[bytes]:
        with self._places.left_out():
            yield from self._store.get(key)

    def list(self, prefix: str) -> Iterator[StoredObject]:
        with self._places.left_out():
            yield from self._store.list(prefix)

    def delete(self, key: str) -> None:
        with self._places.left_out():
            self._store.delete(key)


class _Upload:
    def __init__(self, upload: Upload, places: Places) -> None:
        self._upload = upload
        self._places = places

    @property
    def proof(self) -> Proof:
        return self._upload.proof

    def write(self, data: bytes) -> None:
        with self._places.left_out():
            self._upload.write(data)

    def begin_parts(self) -> bool:
        with self._places.left_out():
            return self._upload.begin_parts()

    def commit(self, *, replaces: Version | None) -> Version:
        with self._places.left_out():
            return self._upload.commit(replaces=replaces)

    def abort(self) -> str | None:
        with self._places.left_out():
            stays = self._upload.abort()
            return None if stays is None else self._places.untold(stays)
