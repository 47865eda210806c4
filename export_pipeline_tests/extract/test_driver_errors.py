"""Drivers' errors, sorted by what the reader does next."""

import traceback
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from export_pipeline.errors import HourFailed, PermanentFailure, TransientFailure
from export_pipeline.extract.driver_errors import explained
from export_pipeline.extract.sources import open_source
from export_pipeline_tests.servers.ports import free_port

URL = sa.make_url("mysql+pymysql://me:hunter2@host/flights")


class DatabaseError(Exception):
    """The classes of a driver, by the names that the DB-API gives them."""


class OperationalError(DatabaseError):
    pass


class ProgrammingError(DatabaseError):
    pass


class DataError(DatabaseError):
    pass


def failure_of(error: Exception, *, lost: bool = False, raw: bool = False) -> HourFailed:
    wrapped: Any = error if raw else DBAPIError("select secret", {}, error, connection_invalidated=lost)
    with pytest.raises(HourFailed) as failure, explained(URL, raw=(DatabaseError,) if raw else ()):
        raise wrapped
    assert "hunter2" not in "".join(traceback.format_exception(failure.value))
    return failure.value


@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (
            ProgrammingError('column "x" does not exist\nLINE 1'),
            PermanentFailure,
            'column "x" does not exist',
        ),
        (OperationalError("no such table: flights"), PermanentFailure, "no such table"),
        (OperationalError(1054, "Unknown column 'x' in 'field list'"), PermanentFailure, ": Unknown column"),
        (OperationalError(1045, "Access denied for user 'me'"), PermanentFailure, "cannot be opened: Access"),
        (OperationalError("certificate verify failed"), PermanentFailure, "cannot be opened"),
        (OperationalError('definition of service "it" not found'), PermanentFailure, "cannot be opened"),
        (OperationalError(2013, "Lost connection"), TransientFailure, "could not be read: Lost connection"),
        (DataError("invalid input: 'top secret'"), PermanentFailure, r"DataError; run the query there"),
    ],
)
def test_the_reader_is_told_what_to_do(error: Exception, kind: type, says: str, raw: bool) -> None:
    failure = failure_of(error, raw=raw)
    assert type(failure) is kind
    assert says in str(failure)
    assert str(failure).startswith("the mysql database flights")


@pytest.mark.parametrize(
    ("told", "says"),
    [
        (
            'connection to server at "10.0.0.7", port 5432 failed: refused',
            "connection to server failed: refused",
        ),
        ('server at "db" (10.0.0.7), port 5432 failed: timeout', "server failed: timeout"),
        ('server on socket "/run/.s.PGSQL.5432" failed: none', "server failed: none"),
        ("Can't connect to MySQL server on 'db' ([Errno 111] refused)", "MySQL server ([Errno 111] refused)"),
        ("failed to resolve host 'db.intern': not known", "resolve host: not known"),
        ('no pg_hba.conf entry for host "10.0.0.9", user "me"', 'entry for host, user "me"'),
        ("Host '10.0.0.9' is not allowed to connect", "Host is not allowed"),
        ('server at "db" (fe80::1%eth0), port 5432 failed: timeout', "server failed: timeout"),
        ('could not translate host name "db.intern" to address', "translate host name to address"),
        (
            'server certificate for "db.intern" (and 2 other names) does not match host name "10.0.0.7"',
            "server certificate (and 2 other names) does not match host name",
        ),
        (
            "certificate verify failed: mismatch, certificate is not valid for 'db.intern'. (_ssl.c)",
            "mismatch, certificate is not valid. (_ssl.c)",
        ),
        ("Access denied for user 'me'@'10.0.0.9' (using password)", "user 'me' (using password)"),
        ('could not parse network address "fe80::1%25eth0": not known', "parse network address: not known"),
        ('root certificate file "/etc/corp/none.crt" does not exist', "certificate file does not exist"),
        ('could not load private key file "/etc/corp/my.key": none', "load private key file: none"),
        ('Unix-domain socket path "/run/corp/.s" is too long', "socket path is too long"),
        ('syntax error in service file "/etc/corp/my.conf", line 2', "in service file, line 2"),
        ('no definition of service "it" in "/etc/corp.d/my.conf": none', 'definition of service "it": none'),
        ('invalid LDAP URL "ldap://db.intern": no name', "invalid LDAP URL: no name"),
        ("server through socket '/run/corp/my.sock' (2)", "server through socket (2)"),
    ],
)
def test_where_our_databases_are_is_in_logs_alone(told: str, says: str) -> None:
    failure = failure_of(OperationalError(told))

    assert says in str(failure)
    assert told in "".join(traceback.format_exception(failure))


def test_where_a_file_lies_is_not_told(tmp_path: Path) -> None:
    file = tmp_path / "none.sqlite"
    file.write_bytes(b"x" * 5_000)

    with pytest.raises(PermanentFailure, match=r"^the sqlite database none\.sqlite refused") as failure:
        open_source(f"sqlite:///{file}").snapshot().__enter__()
    assert str(tmp_path) not in str(failure.value)


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("[other]", 'cannot be opened: connection is bad: definition of service "it" not found; correct'),
        (
            "[it]\nrubbish",
            "cannot be opened: connection is bad: syntax error in service file, line 2; correct",
        ),
        (None, "cannot be opened: connection is bad: service file not found; correct the source's URL"),
    ],
)
def test_a_service_of_postgresql_is_the_operators_to_define(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str | None, says: str
) -> None:
    file = tmp_path / "services.conf"
    if written is not None:
        file.write_text(f"{written}\n")
    monkeypatch.setenv("PGSERVICEFILE", str(file))

    with pytest.raises(PermanentFailure) as failure:
        open_source("postgresql:///flights?service=it").snapshot().__enter__()
    assert says in str(failure.value)
    assert str(tmp_path) not in str(failure.value)


@pytest.mark.parametrize("option", ["ssl_ca", "ssl_cert"])
def test_a_file_that_the_url_names_and_that_is_not_there_is_the_operators_to_mend(
    tmp_path: Path, option: str
) -> None:
    url = f"mysql://me:hunter2@127.0.0.1:{free_port()}/flights?{option}={tmp_path}/none.crt"
    with pytest.raises(PermanentFailure, match=r"No such file.*ssl_ca, ssl_cert") as failure:
        open_source(url).snapshot().__enter__()
    assert str(tmp_path) not in str(failure.value)


def test_so_is_one_that_holds_no_certificate(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text("none")
    url = f"mysql://me:hunter2@127.0.0.1:{free_port()}/flights?ssl_ca={tmp_path}/ca.crt"
    with pytest.raises(PermanentFailure, match=r"no certificate or crl found.*and are PEM"):
        open_source(url).snapshot().__enter__()


def test_a_lost_connection_is_worth_a_retry() -> None:
    assert isinstance(failure_of(DataError("?"), lost=True), TransientFailure)


@pytest.mark.parametrize("raw", [False, True])
def test_what_may_quote_a_value_is_not_chained(raw: bool) -> None:
    failure = failure_of(DataError("invalid input: 'top secret'"), raw=raw)
    assert "secret" not in "".join(traceback.format_exception(failure))


def test_an_error_of_our_own_passes() -> None:
    with pytest.raises(ZeroDivisionError), explained(URL):
        raise ZeroDivisionError


def test_a_pool_that_has_no_connection_free_is_worth_a_retry() -> None:
    with (
        pytest.raises(TransientFailure, match="the mysql database flights could not be read"),
        explained(URL),
    ):
        raise sa.exc.TimeoutError("QueuePool limit")
