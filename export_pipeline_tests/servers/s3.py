"""Real S3 servers on 127.0.0.1, with a bucket and users of different rights.

SeaweedFS checks signatures, rights, checksums and conditions. moto is a second, independent opinion, and
stands in where SeaweedFS has no wheel (Macs with Intel processors).
"""

import json
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import SecretStr

from export_pipeline.connectors.s3 import S3Config
from export_pipeline.connectors.s3_credentials import S3Credentials
from export_pipeline_tests.servers.ports import free_port, free_ports
from export_pipeline_tests.servers.tether import spawn, stop

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SCRIPTS = Path(sys.executable).parent
# Run without its folder among those that are searched: there are modules called like Python's own.
HEEDFUL_MOTO = Path(__file__).with_name("heedful_moto.py")
SECONDS_TO_START = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody whom the server knows."""

    access_key_id: str
    secret_access_key: str

    @property
    def credentials(self) -> S3Credentials:
        return S3Credentials(
            access_key_id=self.access_key_id, secret_access_key=SecretStr(self.secret_access_key)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Server:
    """A server that is up. `reader` cannot write, `writer` cannot read."""

    name: str
    endpoint_url: str
    admin: User
    reader: User
    writer: User

    @property
    def port(self) -> int:
        port = urlsplit(self.endpoint_url).port
        assert port is not None
        return port

    def client(self) -> "S3Client":
        """The vendor's own client, as admin: for looking behind the scenes."""
        config = Config(
            signature_version="s3v4", s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}
        )
        return _session(self.admin).client("s3", endpoint_url=self.endpoint_url, config=config)

    def new_bucket(self) -> str:
        """The name of a bucket nobody else uses."""
        bucket = f"test-{uuid.uuid4().hex[:16]}"
        self.client().create_bucket(Bucket=bucket)
        return bucket

    def config(self, bucket: str, *, user: User | None = None, **changes: Any) -> S3Config:
        """A connector to `bucket`, as admin unless `user` says who; `changes` are fields of S3Config."""
        who = user or self.admin
        config = S3Config(
            bucket=bucket,
            endpoint_url=self.endpoint_url,
            access_key_id=who.access_key_id,
            secret_access_key=SecretStr(who.secret_access_key),
        )
        return config.model_copy(update=changes)


def seaweed_is_here() -> bool:
    return (SCRIPTS / "weed").exists()


@contextmanager
def seaweed() -> Iterator[S3Server]:
    """SeaweedFS, for the length of a block."""
    master, volume, filer, s3, admin_port = free_ports(5)
    server = S3Server(
        name="seaweedfs",
        endpoint_url=f"http://127.0.0.1:{s3}",
        admin=User(access_key_id="testadmin", secret_access_key="testadminsecret1"),
        reader=User(access_key_id="testreader", secret_access_key="testreadersecret"),
        writer=User(access_key_id="testwriter", secret_access_key="testwritersecret"),
    )
    rights = {
        server.admin: ["Admin", "Read", "List", "Tagging", "Write"],
        server.reader: ["Read", "List"],
        server.writer: ["Write"],
    }
    identities = [
        {
            "name": user.access_key_id,
            "credentials": [{"accessKey": user.access_key_id, "secretKey": user.secret_access_key}],
            "actions": actions,
        }
        for user, actions in rights.items()
    ]
    with _home("s3-") as home:
        (home / "users.json").write_text(json.dumps({"identities": identities}))
        (home / "data").mkdir()
        command: list[str | Path] = [
            *(SCRIPTS / "weed", "-logtostderr=true", "mini", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
            *(f"-dir={home / 'data'}", f"-s3.config={home / 'users.json'}", "-s3.autoCreateBucket=false"),
            *(f"-master.port={master}", f"-volume.port={volume}", f"-filer.port={filer}", f"-s3.port={s3}"),
            *(f"-admin.port={admin_port}", "-admin.ui=false", "-webdav=false"),
            *("-s3.port.iceberg=0", "-s3.port.lance=0"),
            "-master.telemetry=false",  # it reports to its maker otherwise
            # Every bucket takes a volume of its own. Left alone, it allows as many as gigabytes are free on
            # the disk, and a machine with a fuller disk runs out of buckets in the middle of the tests.
            *("-volume.max=100000", "-master.volumeSizeLimitMB=64"),
        ]
        try:
            with _running(command, home):
                _wait_for(server, home)
                yield server
        finally:
            for port in (master, volume, filer, s3, admin_port):
                for named in (port, port + 10_000):  # some by the port, some by its twin for gRPC
                    for left in Path(tempfile.gettempdir()).glob(f"seaweedfs-*-{named}.sock"):
                        left.unlink(missing_ok=True)


@contextmanager
def moto() -> Iterator[S3Server]:
    """moto with its checks of signatures and rights switched on, for the length of a block."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with (
        _home("moto-") as home,
        _running([sys.executable, "-P", HEEDFUL_MOTO, "-H", "127.0.0.1", "-p", str(port)], home),
    ):
        _wait_until_answering(url, home)
        server = S3Server(
            name="moto",
            endpoint_url=url,
            admin=_moto_user(url, "admin", ["*"]),
            reader=_moto_user(url, "reader", ["s3:GetObject", "s3:ListBucket"]),
            writer=_moto_user(url, "writer", ["s3:PutObject", "s3:AbortMultipartUpload", "s3:DeleteObject"]),
        )
        enforce = urllib.request.Request(
            f"{url}/moto-api/reset-auth", data=b"0", method="POST", headers={"Content-Type": "text/plain"}
        )
        urllib.request.urlopen(enforce).close()
        yield server


def moto_user(server: S3Server, *actions: str) -> User:
    """Somebody else whom moto knows, who may do that and nothing else."""
    return _moto_user(server.endpoint_url, f"user-{uuid.uuid4().hex[:16]}", list(actions), as_=server.admin)


def _moto_user(url: str, name: str, actions: list[str], *, as_: User | None = None) -> User:
    anyone = User(access_key_id="anyone", secret_access_key="anything")
    iam = _session(as_ or anyone).client("iam", endpoint_url=url)
    iam.create_user(UserName=name)
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName=name, PolicyName="rights", PolicyDocument=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return User(access_key_id=key["AccessKeyId"], secret_access_key=key["SecretAccessKey"])


def _session(user: User) -> boto3.session.Session:
    return boto3.session.Session(
        aws_access_key_id=user.access_key_id,
        aws_secret_access_key=user.secret_access_key,
        region_name="us-east-1",
    )


@contextmanager
def _home(prefix: str) -> Iterator[Path]:
    home = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def _running(command: list[str | Path], home: Path) -> Iterator[None]:
    with (home / "log").open("wb") as log:
        server = spawn(command, cwd=home, stdout=log, stderr=subprocess.STDOUT)
        try:
            yield
        finally:
            stop(server)


def _wait_for(server: S3Server, home: Path) -> None:
    """The port opens long before an object can be stored."""
    client = server.client()
    deadline = time.monotonic() + SECONDS_TO_START
    while True:
        try:
            client.create_bucket(Bucket="ready")
            client.put_object(Bucket="ready", Key="x", Body=b"x")
            client.delete_object(Bucket="ready", Key="x")
            client.delete_bucket(Bucket="ready")
        except (BotoCoreError, ClientError) as error:
            _give_up_after(deadline, error, home)
        else:
            return


def _wait_until_answering(url: str, home: Path) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while True:
        try:
            urllib.request.urlopen(f"{url}/moto-api/").close()
        except OSError as error:
            _give_up_after(deadline, error, home)
        else:
            return


def _give_up_after(deadline: float, error: Exception, home: Path) -> None:
    if time.monotonic() > deadline:
        raise RuntimeError(f"no server: {(home / 'log').read_text()[-3000:]}") from error
    time.sleep(0.05)
