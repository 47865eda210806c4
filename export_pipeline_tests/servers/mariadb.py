"""A real MariaDB on 127.0.0.1 with a password, from the machine's own `mariadbd`.

No wheel holds the server. Debian's package is `mariadb-server-core`: it starts no service and makes no user.
"""

import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import URL, make_url

from export_pipeline_tests.servers.certificates import Certificates
from export_pipeline_tests.servers.ports import free_port
from export_pipeline_tests.servers.tether import spawn, stop

USER = "exporter"
SECONDS_TO_START = 30
SECONDS_TO_STOP = 20

# What `mariadb-install-db` feeds to a server that bootstraps, in this order.
SYSTEM_TABLES = (
    "mysql_system_tables.sql",
    "mysql_performance_tables.sql",
    "mysql_system_tables_data.sql",
    "maria_add_gis_sp_bootstrap.sql",
)

SETTINGS = {
    # As Debian configures it; the server's own default is latin1.
    "character-set-server": "utf8mb4",
    "innodb-buffer-pool-size": "64M",
    "innodb-log-file-size": "16M",
    "innodb-flush-log-at-trx-commit": "0",
    "innodb-use-native-aio": "0",
}

# MariaDB refuses to run as root, so root becomes nobody.
NOBODY = 65534


def mariadb_is_here() -> bool:
    """Whether the machine has the server's program."""
    return _program() is not None


@contextmanager
def running_mariadb(tls: Certificates | None = None) -> Iterator[str]:
    """A new server for as long as the block runs; its administrator's URL, for SQLAlchemy with pymysql."""
    # A short path: that of a Unix socket has at most 107 bytes.
    root = Path(tempfile.mkdtemp(prefix="exp-my-"))
    try:
        data = root / "data"
        data.mkdir()
        if os.geteuid() == 0:
            os.chown(root, NOBODY, NOBODY)
            os.chown(data, NOBODY, NOBODY)
        password = secrets.token_hex(12)
        _init(root, password)
        port = free_port()
        with _server(root, port, [] if tls is None else _tls(root, tls)):
            yield URL.create(
                "mysql+pymysql", USER, password, "127.0.0.1", port, "mysql", {"charset": "utf8mb4"}
            ).render_as_string(hide_password=False)
    finally:
        shutil.rmtree(root, ignore_errors=True)


@contextmanager
def fresh_mariadb_database(server_url: str) -> Iterator[str]:
    """The URL of a new, empty database on that server; dropped at the end."""
    name = f"test_{secrets.token_hex(6)}"
    _administer(server_url, f"create database {name}")
    try:
        yield make_url(server_url).set(database=name).render_as_string(hide_password=False)
    finally:
        _administer(server_url, f"drop database {name}")


@contextmanager
def set_globally(server_url: str, setting: str) -> Iterator[None]:
    """A setting of the server for as long as the block runs: connections made in it have it."""
    name = setting.partition(" ")[0]
    engine = sa.create_engine(server_url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        before = connection.exec_driver_sql(f"select @@global.{name}").scalar()
        connection.exec_driver_sql(f"set global {setting}")
        try:
            yield
        finally:
            if before == "DEFAULT":  # a word, of which the text would be refused
                connection.exec_driver_sql(f"set global {name} = default")
            else:
                connection.exec_driver_sql(f"set global {name} = %s", (before,))


def run_sql(url: str, *statements: str) -> None:
    """Run them there in one transaction, by a connection of their own."""
    database = sa.create_engine(url, poolclass=sa.NullPool)
    with database.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    database.dispose()


def _administer(server_url: str, statement: str) -> None:
    engine = sa.create_engine(server_url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(statement)


def _program() -> str | None:
    # Debian keeps servers where only root's PATH leads.
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin"
    # MariaDB answers to both names, MySQL only to the second, and it bootstraps in another way.
    return shutil.which("mariadbd", path=path)


def _command(root: Path) -> list[str]:
    program = _program()
    assert program is not None
    settings = [f"--{name}={value}" for name, value in SETTINGS.items()]
    # No file of the machine's own configuration is read.
    return [program, "--no-defaults", f"--datadir={root / 'data'}", f"--tmpdir={root}", *settings]


def _system_tables() -> Iterator[str]:
    program = _program()
    assert program is not None
    prefix = Path(program).resolve().parents[1]
    share = next(folder for name in ("mysql", "mariadb") if (folder := prefix / "share" / name).is_dir())
    return ((share / name).read_text() for name in SYSTEM_TABLES if (share / name).exists())


def _init(root: Path, password: str) -> None:
    statements = [
        "create database mysql;",
        "use mysql;",
        "set @auth_root_socket = null;",
        *_system_tables(),
        # Makes the server read the tables of rights just made, without which it creates no user.
        "flush privileges;",
        # Root would have no password, over TCP too; so would the user without a name.
        "delete from mysql.global_priv;",
        "flush privileges;",
        f"create user {USER}@'127.0.0.1' identified by '{password}';",
        f"grant all on *.* to {USER}@'127.0.0.1' with grant option;",
    ]
    done = subprocess.run(
        [*_command(root), "--bootstrap", "--skip-networking"],
        input="\n".join([*statements, ""]),
        capture_output=True,
        text=True,
        cwd="/",  # nobody may not stand in root's folders
        env=_environment(root),
        check=False,
        **_identity(),
    )
    if done.returncode:
        raise RuntimeError(f"MariaDB could not bootstrap:\n{done.stderr[-2000:]}")


def _tls(root: Path, tls: Certificates) -> list[str]:
    """The settings for it, of copies that the server's user may read."""
    settings = []
    for name, file in (("cert", tls.server), ("key", tls.key), ("ca", tls.authority)):
        copy = root / file.name
        shutil.copyfile(file, copy)
        if os.geteuid() == 0:
            os.chown(copy, NOBODY, NOBODY)
        copy.chmod(0o600)
        settings.append(f"--ssl-{name}={copy}")
    return [*settings, "--require-secure-transport=on"]


@contextmanager
def _server(root: Path, port: int, settings: Sequence[str]) -> Iterator[None]:
    log, ready = root / "log", root / "pid"
    with log.open("wb") as output:
        server = spawn(
            [
                *_command(root),
                *("--bind-address=127.0.0.1", f"--port={port}", "--skip-name-resolve"),
                *(f"--socket={root / 'socket'}", f"--pid-file={ready}"),
                *settings,
            ],
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env=_environment(root),
            **_identity(),
        )
    try:
        _wait_until_ready(ready, server, log)
        yield
    finally:
        server.terminate()
        try:
            server.wait(SECONDS_TO_STOP)
        finally:
            stop(server)


def _wait_until_ready(ready: Path, server: subprocess.Popen[bytes], log: Path) -> None:
    # The file of the server's process id is written when connections are taken, and not before.
    deadline = time.monotonic() + SECONDS_TO_START
    while not ready.exists():
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"MariaDB did not start:\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.02)


def _identity() -> dict[str, Any]:
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}


def _environment(root: Path) -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC", "HOME": str(root)}
