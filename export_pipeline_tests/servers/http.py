"""A real HTTP receiver on 127.0.0.1: it keeps files and shows them, checks digests, users and conditions.

Files lie in spaces, the first part of the path, which have to be made. Of a body that breaks off, or that
does not have the digest it was sent with, nothing is kept. A request repeated with the same Idempotency-Key
is answered as the first one was, and done once.
"""

import base64
import hashlib
import secrets
import shutil
import tempfile
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from export_pipeline.connectors.destination import StoredObject, Version
from export_pipeline.connectors.http import HttpConfig

PIECE = 1 << 18
RUNNING: dict[int, "Receiver"] = {}
META = "export-pipeline-meta-"
ANOTHER_DIGEST = f"sha-256=:{base64.b64encode(bytes(32)).decode()}:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A file that was taken."""

    path: Path
    etag: str
    size: int
    digest: str
    fields: dict[str, str]  # of the request, their names in lower case


@dataclass(slots=True)
class Behaviour:
    """What receivers may do differently."""

    tells_digest: bool = False
    hangs_up_early: bool = False  # answers refusals without having read what was sent
    sends_to: str | None = None  # the address that everybody is sent to
    spoils: bool = False  # tells of another digest than the file has
    forgets: frozenset[str] = frozenset()  # fields that are not in its answers
    says: dict[str, str] = field(default_factory=dict)  # what stands in fields of its answers instead


class Receiver(ThreadingHTTPServer):
    """Takes files as long as it runs."""

    daemon_threads = True

    def __init__(self, home: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.home = home
        self.rights = {secrets.token_hex(8): rights for rights in ("rwd", "r", "w")}
        self.behaviour = Behaviour()
        self.spaces: dict[str, dict[str, Kept]] = {}
        self.answered: dict[str, tuple[int, dict[str, str]]] = {}  # by Idempotency-Key
        self.publishing = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def token(self, rights: str) -> SecretStr:
        """That of the user with these rights: of r read, w write, d delete."""
        return SecretStr(next(token for token, has in self.rights.items() if has == rights))

    def new_space(self) -> str:
        """The name of a space nobody else uses."""
        name = f"test-{uuid.uuid4().hex[:16]}"
        self.spaces[name] = {}
        return name

    def config(self, space: str, **changes: object) -> HttpConfig:
        """A connector to `space` with all rights that can read back; `changes` are fields of HttpConfig."""
        config = HttpConfig(url=f"{self.url}/{space}/$key", bearer_token=self.token("rwd"), readable=True)
        return config.model_copy(update=changes)

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that break off are part of the tests; an error of ours shows as a missing answer."""


class Refused(Exception):
    """The answer is an error."""

    def __init__(self, status: int, **fields: str) -> None:
        super().__init__(status)
        self.status = status
        self.fields = fields


@dataclass(slots=True)
class Body:
    """What a request brought."""

    path: Path
    size: int = 0
    sha256: Any = field(default_factory=hashlib.sha256)

    @property
    def digest(self) -> str:
        return f"sha-256=:{base64.b64encode(self.sha256.digest()).decode()}:"


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: Receiver

    def do_GET(self) -> None:
        self._handle("r")

    def do_HEAD(self) -> None:
        self._handle("r")

    def do_PUT(self) -> None:
        self._handle("w")

    def do_POST(self) -> None:
        self._handle("w")

    def do_DELETE(self) -> None:
        self._handle("d")

    def log_message(self, format: str, *args: object) -> None:  # the base class's name
        """Keep quiet."""

    def _handle(self, right: str) -> None:
        body = Body(self.server.home / uuid.uuid4().hex)
        try:
            if self.server.behaviour.hangs_up_early:
                self._check(right)
            if right == "w":
                self._read(body)
            self._check(right)
            space, name = self._place()
            if right == "r":
                self._show(space, name)
            elif right == "w":
                self._answer(*self._take(space, name, body))
            else:
                self._answer(404 if space.pop(name, None) is None else 204, {"Content-Length": "0"})
        except Refused as refused:
            self.close_connection = self.server.behaviour.hangs_up_early
            self._answer(refused.status, {**refused.fields, "Content-Length": "0"})

    def _check(self, right: str) -> None:
        if self.server.behaviour.sends_to:
            raise Refused(307, Location=self.server.behaviour.sends_to)
        scheme, _, credentials = (self.headers["Authorization"] or "").partition(" ")
        if scheme == "Basic":
            _user, _, credentials = base64.b64decode(credentials).decode().partition(":")
        if credentials not in self.server.rights:
            raise Refused(401)
        if right not in self.server.rights[credentials]:
            raise Refused(403)

    def _place(self) -> tuple[dict[str, Kept], str]:
        space, _, name = unquote(urlsplit(self.path).path).removeprefix("/").partition("/")
        if space not in self.server.spaces:
            raise Refused(404)
        return self.server.spaces[space], name or unquote(self.headers.get("Export-Pipeline-Key", ""))

    def _read(self, body: Body) -> None:
        with body.path.open("wb") as file:
            for piece in self._pieces():
                body.sha256.update(piece)
                body.size += len(piece)
                file.write(piece)

    def _pieces(self) -> Iterator[bytes]:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            yield from self._exactly(int(self.headers.get("Content-Length", "0")))
            return
        while size := int(self.rfile.readline().split(b";")[0], 16):
            yield from self._exactly(size)
            self.rfile.readline()
        self.rfile.readline()

    def _exactly(self, size: int) -> Iterator[bytes]:
        while size:
            piece = self.rfile.read(min(size, PIECE))
            if not piece:
                raise ConnectionError("the body breaks off")
            size -= len(piece)
            yield piece

    def _take(self, space: dict[str, Kept], name: str, body: Body) -> tuple[int, dict[str, str]]:
        for sent in ("Content-Digest", "Repr-Digest"):
            if self.headers.get(sent, body.digest) != body.digest:
                raise Refused(400)
        with self.server.publishing:
            repeated = self.headers.get("Idempotency-Key", uuid.uuid4().hex)
            if repeated in self.server.answered:
                return self.server.answered[repeated]
            before = space.get(name)
            if self.headers.get("If-None-Match") == "*" and before is not None:
                raise Refused(412)
            if self.headers.get("If-Match", before and before.etag) != (before and before.etag):
                raise Refused(412)
            kept = space[name] = Kept(
                path=body.path,
                etag=f'"{uuid.uuid4().hex}"',
                size=body.size,
                digest=body.digest,
                fields={field.lower(): value for field, value in self.headers.items()},
            )
            digest = ANOTHER_DIGEST if self.server.behaviour.spoils else body.digest
            told = {"Repr-Digest": digest} if self.server.behaviour.tells_digest else {}
            answer = (200 if before else 201), {**told, "ETag": kept.etag, "Content-Length": "0"}
            self.server.answered[repeated] = answer
            return answer

    def _show(self, space: dict[str, Kept], name: str) -> None:
        kept = space.get(name)
        if kept is None:
            raise Refused(404)
        attached = {field: value for field, value in kept.fields.items() if field.startswith(META)}
        self._answer(200, {**attached, "ETag": kept.etag, "Content-Length": str(kept.size)})
        if self.command == "GET":
            with kept.path.open("rb") as file:
                shutil.copyfileobj(file, self.wfile)

    def _answer(self, status: int, fields: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in fields.items():
            if name not in self.server.behaviour.forgets:
                self.send_header(name, self.server.behaviour.says.get(name, value))
        self.end_headers()


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A receiver, for the length of a block."""
    home = Path(tempfile.mkdtemp(prefix="http-"))
    try:
        with Receiver(home) as server:
            RUNNING[server.server_port] = server
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                yield server
            finally:
                del RUNNING[server.server_port]
                server.shutdown()
                thread.join()
    finally:
        with suppress(OSError):
            shutil.rmtree(home)


def objects_behind(url: str) -> list[StoredObject]:
    """What lies where the address leads, in order of key: receivers themselves list nothing."""
    parts = urlsplit(url)
    assert parts.port is not None
    found = RUNNING[parts.port].spaces.get(parts.path.split("/")[1], {})
    return [
        StoredObject(key=key, size=kept.size, version=Version(kept.etag), metadata={})
        for key, kept in sorted(found.items(), key=lambda item: item[0].encode())
    ]
