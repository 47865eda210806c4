"""Drivers' errors as ours, sorted by what the reader does next.

A driver's text is kept, and chained, where it speaks of names, not of values. The addresses of our network,
and paths on our machines, are left out of what is told, which customers read; logs have them, from the error
that is chained.
"""

import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from export_pipeline.errors import HourFailed, PermanentFailure, TransientFailure
from export_pipeline.extract.query import compared_as_text, compared_in_one_form, relation_of, time_column_of

# What servers say of a connection that no retry will bring about. Drivers have no common code for it.
_WRONG_CONFIGURATION = (
    "authentication failed",
    "no password supplied",
    "does not exist",
    "no pg_hba.conf entry",
    "not permitted to log in",
    "permission denied",
    "does not support SSL",
    "certificate",
    "definition of service",
    "service file",
    # MySQL and MariaDB
    "Access denied",
    "command denied",
    "Unknown database",
    "SSL is required",
    "secure transport",
)

# How SQLite and MySQL speak of tables and columns that are not there, in errors of the wrong class.
_NO_SUCH_NAME = ("no such", "Unknown column")

# `server at "10.0.0.7", port 5432`, `server on '10.0.0.7'`, `resolve host 'db'`, `user 'me'@'10.0.0.9'`,
# `certificate for "db" does not match host name "10.0.0.7"`, `certificate is not valid for 'db'`,
# `network address "fe80::1%25eth0"`, `certificate file "/etc/none.crt"`, `LDAP URL "ldap://db"`,
# `definition of service "it" in "/etc/pg_service.conf"`
_ADDRESS = re.compile(
    r"""(?<=\bserver)\ (?:at|on(?:\ socket)?)\ (['"]).*?\1(?:\ \(\w*[.:][\w.:%]+\))?(?:,\ port\ \d+)?
    |(?:(?<=\bhost)|(?<=\bhost\ name)|(?<=\bcertificate)\ for|(?<=\bis\ not\ valid)\ for
        |(?<=\bnetwork\ address)|(?<=\bsocket\ path)|(?<=\bfile)|(?<=\bURL))\ (['"]).*?\2
    |(?:\ in|\ from)?\ (['"])/[^'"/]+/[^'"]*\3
    |(?<=')@'[^']*'""",
    re.VERBOSE | re.IGNORECASE,
)


def named(url: sa.URL) -> str:
    """The source, for messages. Of a file its name: where it lies is the operator's."""
    return f"{url.get_backend_name()} database {(url.database or '').rpartition('/')[2]}".strip()


@contextmanager
def explained(
    url: sa.URL, rows: sa.Select[Any] | None = None, *, raw: tuple[type[Exception], ...] = ()
) -> Iterator[None]:
    """Errors of the block as ours, of the query `rows` if there was one.

    `raw` are the errors of a driver that is used without SQLAlchemy. They are not chained: their text may
    quote the statement, in which values stand then.
    """
    where = named(url)
    try:
        yield
    except DBAPIError as error:
        failure = _failure(where, error.orig, rows, lost=error.connection_invalidated)
        raise failure from (error if _speaks_of_names(error.orig) else None)
    except raw as error:
        raise _failure(where, error, rows, lost=False) from None
    except sa.exc.TimeoutError as error:  # of a pool's connections none is free
        raise TransientFailure(f"the {where} could not be read: {type(error).__name__}") from error
    except SQLAlchemyError as error:
        raise PermanentFailure(f"the {where} could not be read: {type(error).__name__}") from error
    except (FileNotFoundError, PermissionError, ssl.SSLError) as error:  # drivers let them through
        raise PermanentFailure(
            f"the {where} cannot be opened: {error.strerror or type(error).__name__}; see that the files that"
            " the source's URL names (ssl_ca, ssl_cert, ssl_key) are there, can be read, and are PEM"
        ) from error


def _failure(where: str, error: object, rows: sa.Select[Any] | None, *, lost: bool) -> HourFailed:
    line = _first_line(error)
    if _is_a(error, "ProgrammingError"):
        return PermanentFailure(f"the {where} refused the query: {line}")
    if _is_a(error, "OperationalError"):
        return _operational(where, line, rows)
    # What a function or a cast of a view stumbles over, it quotes.
    if lost:
        return TransientFailure(f"the connection to the {where} was lost")
    kind = type(error).__name__
    return PermanentFailure(f"the {where} refused the query: {kind}; run the query there to see why")


def _operational(where: str, line: str, rows: sa.Select[Any] | None) -> HourFailed:
    if any(words in line for words in _NO_SUCH_NAME):
        return PermanentFailure(f"the {where} refused the query: {line}")
    if rows is not None and "user-defined function" in line:
        return _unreadable(rows)
    if rows is not None and "Subquery returns more than 1 row" in line:
        relation = relation_of(rows)
        columns = " or ".join(f"{relation}.{name}" for name in compared_as_text(rows))
        return PermanentFailure(
            f"{columns or relation}, by which rows are chosen or ordered, holds a text that is longer than"
            " the server's max_allowed_packet, or bytes that are no characters; raise that there, or correct"
            " the rows"
        )
    if any(words in line for words in _WRONG_CONFIGURATION):
        return PermanentFailure(
            f"the {where} cannot be opened: {line}; correct the source's URL, or the role's rights"
        )
    return TransientFailure(f"the {where} could not be read: {line}")


def _unreadable(rows: sa.Select[Any]) -> PermanentFailure:
    """A function of ours refused a value. Of which column, SQLite does not say."""
    relation, time_column = relation_of(rows), time_column_of(rows)
    message = (
        f"{relation}.{time_column} says which hour a row belongs to, but in the days around this hour, or as"
        " a number, it holds what is no moment; write each as text in UTC, like 2013-01-01 05:00:00.123456"
    )
    if others := [name for name in compared_in_one_form(rows) if name != time_column]:
        message += (
            f". Or it is in {' or '.join(f'{relation}.{name}' for name in others)}, which rows are chosen or"
            " ordered by, that a text is no value of the declared type"
        )
    return PermanentFailure(message)


def _speaks_of_names(error: object) -> bool:
    return _is_a(error, "ProgrammingError") or _is_a(error, "OperationalError")


def _is_a(error: object, name: str) -> bool:
    """Whether it is of that class of the DB-API, which every driver has its own of."""
    return any(class_.__name__ == name for class_ in type(error).__mro__)


def _first_line(error: object) -> str:
    """The first line of the text, without addresses. MySQL's drivers put a number before it."""
    text = error.args[-1] if isinstance(error, Exception) and len(error.args) == 2 else error
    return _ADDRESS.sub("", (str(text).strip().splitlines() or [type(error).__name__])[0])
