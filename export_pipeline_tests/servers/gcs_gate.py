"""A gate before fake-gcs-server that checks what it lets pass: who asks, what they may, what must hold.

It answers for Google's token endpoint too: a service account signs a real JWT, whose signature is checked
with the account's public key. Alone, the server behind it knows neither credentials nor conditions (but for
uploads in one request), and takes the question how far an upload is for the upload's end.
"""

import base64
import hmac
import json
import re
import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

import google_crc32c
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import exceptions, jwt

PIECE = 1 << 16
AUDIENCE = "https://oauth2.googleapis.com/token"
NOT_PASSED_ON = {"authorization", "connection", "content-length", "host", "transfer-encoding"}
OBJECT = re.compile(
    r"(?:/upload|/download)?/storage/v1/b(?:/(?P<bucket>[^/]+)(?:/o(?:/(?P<object>[^/]+))?)?)?$"
)


@dataclass(frozen=True, slots=True)
class Account:
    """A service account: its file, and what it may do: of read, create, delete."""

    info: Mapping[str, str]
    public_key: str
    rights: frozenset[str]


@dataclass(slots=True)
class Session:
    """An upload in several requests."""

    bucket: str
    described: Mapping[str, Any]  # what the client says of the object
    generation: int | None  # that the object must have when the upload ends
    held: int = 0
    checksum: google_crc32c.Checksum = field(default_factory=google_crc32c.Checksum)
    answer: bytes | None = None  # to the last request, once there was one

    @property
    def name(self) -> str:
        return str(self.described["name"])


@dataclass
class Refused(Exception):
    """The answer is an error. Its text is Google's where ours depends on it."""

    status: int
    text: str
    reason: str = "invalid"


class Gate(ThreadingHTTPServer):
    """Lets through to `upstream_port` what is allowed."""

    daemon_threads = True

    def __init__(self, upstream_port: int) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.upstream_port = upstream_port
        self.accounts: dict[str, Account] = {}
        self.tokens: dict[str, Account] = {}
        self.sessions: dict[str, Session] = {}
        self.appetite: int | None = (
            None  # the most bytes of a part that are taken at once; Google takes what it likes
        )
        self.publishing = threading.Lock()  # a condition is looked at and kept in one step

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that break off are part of the tests; an error of ours shows as a missing answer."""

    def new_account(self, *rights: str) -> Account:
        key = rsa.generate_private_key(65537, 2048)
        private, public = serialization.PrivateFormat.PKCS8, serialization.PublicFormat.SubjectPublicKeyInfo
        pem = serialization.Encoding.PEM
        account = Account(
            info={
                "type": "service_account",
                "project_id": "tests",
                "private_key_id": "1",
                "private_key": key.private_bytes(pem, private, serialization.NoEncryption()).decode(),
                "client_email": f"{secrets.token_hex(4)}@tests.example",
                "token_uri": f"{self.url}/token",
            },
            public_key=key.public_key().public_bytes(pem, public).decode(),
            rights=frozenset(rights),
        )
        self.accounts[account.info["client_email"]] = account
        return account


class Handler(BaseHTTPRequestHandler):
    """One connection of a client, and one of its own to the server behind the gate."""

    protocol_version = "HTTP/1.1"
    server: Gate

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            if self.path == "/token":
                self._token(body)
            else:
                self._pass_on_if_allowed(body)
        except Refused as refused:
            details = [{"message": refused.text, "domain": "global", "reason": refused.reason}]
            error = {"code": refused.status, "message": refused.text, "errors": details}
            self._answer(refused.status, json.dumps({"error": error}).encode())

    def do_GET(self) -> None:
        self._handle()

    def do_PUT(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def do_DELETE(self) -> None:
        self._handle()

    def log_message(self, format: str, *args: object) -> None:  # the base class's name
        """Keep quiet."""

    def _token(self, body: bytes) -> None:
        assertion = parse_qs(body.decode())["assertion"][0]
        try:
            account = self.server.accounts[jwt.decode(assertion, verify=False)["iss"]]
            jwt.decode(assertion, certs=account.public_key, audience=AUDIENCE)
        except (KeyError, ValueError, exceptions.GoogleAuthError) as error:
            told = {"error": "invalid_grant", "error_description": f"Invalid JWT Signature. ({error})"}
            self._answer(400, json.dumps(told).encode())
            return
        token = secrets.token_urlsafe(16)
        self.server.tokens[token] = account
        given = {"access_token": token, "expires_in": 3600, "token_type": "Bearer"}
        self._answer(200, json.dumps(given).encode())

    def _pass_on_if_allowed(self, body: bytes) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        account = self.server.tokens.get((self.headers["Authorization"] or "").removeprefix("Bearer "))
        if account is None:
            raise Refused(401, "Invalid Credentials", "authError")
        right = {"GET": "read", "DELETE": "delete"}.get(self.command, "create")
        if upload_id := query.get("upload_id"):
            self._continue(upload_id, body)
            return
        if right not in account.rights:
            text = f"{account.info['client_email']} does not have storage.objects.{right} access"
            raise Refused(403, text, "forbidden")
        found = OBJECT.match(parts.path)
        bucket, name = found.group("bucket", "object") if found else (None, None)
        wanted = int(query["ifGenerationMatch"]) if "ifGenerationMatch" in query else None
        if query.get("uploadType") == "resumable":
            self._begin(Session(unquote(bucket or ""), json.loads(body), wanted), body)
        elif right == "delete" and bucket and name and wanted is not None:
            with self.server.publishing:
                self._must_be(unquote(bucket), unquote(name), wanted)
                self._pass_on(body)
        else:
            self._pass_on(body, bucket=bucket)

    def _begin(self, session: Session, body: bytes) -> None:
        if session.generation is not None:
            self._must_be(session.bucket, session.name, session.generation)
        with self._asked(body) as answer:
            if answer.status == 404:
                raise Refused(404, "The specified bucket does not exist.", "notFound")
            query = urlsplit(answer.headers["Location"]).query
            location = f"{self.server.url}{urlsplit(self.path).path}?{query}"
            self.server.sessions[parse_qs(query)["upload_id"][0]] = session
            self._answer(answer.status, answer.read(), Location=location)

    def _continue(self, upload_id: str, body: bytes) -> None:
        session = self.server.sessions.get(upload_id)
        if session is None:
            raise Refused(404, "No such upload", "notFound")
        if self.command == "DELETE":
            del self.server.sessions[upload_id]
            self._answer(499, b"")
            return
        span = re.fullmatch(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)", self.headers["Content-Range"])
        if span is None or (span[1] and int(span[1]) != session.held):
            raise Refused(400, f"{self.headers['Content-Range']}, but {session.held} bytes are held")
        if span[1] and session.answer is None:
            taken = body[: self.server.appetite]
            session.checksum.update(taken)
            if span[3] != "*" and len(taken) == len(body):
                self._end(session, body)
            else:
                last = session.held + len(taken) - 1
                with self._asked(taken, **{"Content-Range": f"bytes {session.held}-{last}/*"}):
                    session.held = last + 1
        if session.answer is not None:
            self._answer(200, session.answer)
        else:
            self._answer(308, b"", **({"Range": f"bytes=0-{session.held - 1}"} if session.held else {}))

    def _end(self, session: Session, body: bytes) -> None:
        ours = f"crc32c={base64.b64encode(session.checksum.digest()).decode()}"
        if not hmac.compare_digest(self.headers.get("X-Goog-Hash", ours), ours):
            raise Refused(400, f"the content's {ours} does not match")
        with self.server.publishing:
            if session.generation is not None:
                self._must_be(session.bucket, session.name, session.generation)
            with self._asked(body) as answer:
                session.answer = answer.read()

    def _must_be(self, bucket: str, name: str, generation: int) -> None:
        if int(self._looked_at(bucket, name).get("generation", 0)) != generation:
            raise Refused(412, "At least one of the pre-conditions did not hold.", "conditionNotMet")

    def _pass_on(self, body: bytes, *, bucket: str | None = None) -> None:
        with self._asked(body) as answer:
            if answer.status == 404 and bucket is not None:
                there = self._looked_at(unquote(bucket))
                text = "No such object" if there else "The specified bucket does not exist."
                raise Refused(404, text, "notFound")
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in NOT_PASSED_ON:
                    self.send_header(name, value)
            # Sent in chunks, it does not say its length beforehand, and is a list or a description.
            known = answer.length is not None
            whole = b"" if known else answer.read()
            self.send_header("Content-Length", str(answer.length if known else len(whole)))
            self.end_headers()
            self.wfile.write(whole)
            while piece := answer.read(PIECE):
                self.wfile.write(piece)

    @contextmanager
    def _asked(self, body: bytes, **changed: str) -> Iterator[HTTPResponse]:
        """The answer of the server behind to this request, some of whose fields may be changed."""
        fields = {name: value for name, value in self.headers.items() if name.lower() not in NOT_PASSED_ON}
        with self._connected() as server:
            server.request(self.command, self.path, body, fields | changed)
            yield server.getresponse()

    def _looked_at(self, bucket: str, name: str | None = None) -> dict[str, Any]:
        """What the server behind says of a bucket or an object; nothing when it is not there."""
        path = f"/storage/v1/b/{quote(bucket, safe='')}" + (f"/o/{quote(name, safe='')}" if name else "")
        with self._connected() as server:
            server.request("GET", path)
            answer = server.getresponse()
            found: dict[str, Any] = json.loads(answer.read())
        return found if answer.status == 200 else {}

    @contextmanager
    def _connected(self) -> Iterator[HTTPConnection]:
        server = HTTPConnection("127.0.0.1", self.server.upstream_port)
        try:
            yield server
        finally:
            server.close()

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
