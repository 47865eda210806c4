"""A machine's managed identity: it gives out tokens for Azure on 127.0.0.1, as App Service has it."""

import base64
import json
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

STORAGE = "https://storage.azure.com"


class Endpoint(ThreadingHTTPServer):
    """Gives a token to whoever knows `secret`; `asked` holds the query of each request."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.secret = secrets.token_hex(8)
        self.asked: list[Mapping[str, str]] = []

    @property
    def variables(self) -> Mapping[str, str]:
        """What tells a process of its identity."""
        return {
            "IDENTITY_ENDPOINT": f"http://127.0.0.1:{self.server_port}/msi/token",
            "IDENTITY_HEADER": self.secret,
        }


class Handler(BaseHTTPRequestHandler):
    """One request for a token."""

    server: Endpoint

    def do_GET(self) -> None:
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        self.server.asked.append(query)
        known = self.headers["X-IDENTITY-HEADER"] == self.server.secret
        body = json.dumps(_token(query["resource"]) if known else {"message": "no identity found"}).encode()
        self.send_response(200 if known else 400)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # the base class's name
        """Keep quiet."""


def _token(resource: str) -> Mapping[str, str]:
    """A token as Azurite takes it: it looks at audience, issuer and times, and not at the signature."""
    now = int(time.time())
    claims = {
        "aud": resource,
        "iss": "https://sts.windows.net/tests/",
        "iat": now,
        "nbf": now - 60,
        "exp": now + 3600,
    }
    parts = [json.dumps({"alg": "none", "typ": "JWT"}), json.dumps(claims), "unsigned"]
    encoded = [base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts]
    return {
        "access_token": ".".join(encoded),
        "expires_on": str(now + 3600),
        "resource": resource,
        "token_type": "Bearer",
    }


@contextmanager
def managed_identity() -> Iterator[Endpoint]:
    """The endpoint, for the length of a block."""
    with Endpoint() as endpoint:
        thread = threading.Thread(target=endpoint.serve_forever)
        thread.start()
        try:
            yield endpoint
        finally:
            endpoint.shutdown()
            thread.join()
