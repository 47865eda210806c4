"""Connections of urllib3, on which the stores' clients stand, to addresses that may be called on.

A client whose address the customer names must not be led inside the operator's network. A client that only
ever asks its vendor is left alone: the vendor's own address may well be a private one of the operator's.
"""

import socket
from collections.abc import Mapping

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError
from urllib3.poolmanager import PoolManager

from export_pipeline.connectors.addresses import connected
from export_pipeline.connectors.pacing import PacedConnection, PacedResponse

# Clients read whole answers, and an address that a customer gave may go on for ever. Of an error, a store's
# own words stand at its beginning.
LONGEST_REFUSAL = 1 << 17
# More than the longest page of a list has: of so many objects, with all that may be said of each.
LONGEST_ANSWER = 1 << 23
OBJECTS_PER_PAGE = 500
# Each thing that an answer is made of takes far more in memory than on the way: of JSON, forty times.
MOST_THINGS = 200_000
BEGINNINGS = (b"<", b"{", b"[", b",")


def is_a_stores(answer: bytes) -> bool:
    """Whether a store may say as much as that, other than objects' own content."""
    return len(answer) <= LONGEST_ANSWER and sum(map(answer.count, BEGINNINGS)) <= MOST_THINGS


# The fields of a request that show credentials.
CREDENTIALS = ("Authorization", "X-Amz-Security-Token")


def unquoted(refusal: bytes, asked: Mapping[str, str | bytes]) -> bytes:
    """A refusal without the credentials that its request showed, whose fields are `asked`.

    Errors tell a store's own words, and those may quote what it was asked.
    """
    for name in CREDENTIALS:
        shown = asked.get(name) or b""
        value = shown if isinstance(shown, bytes) else shown.encode("latin-1")
        _scheme, _, alone = value.partition(b" ")
        for secret in filter(None, (value, *alone.split())):
            refusal = refusal.replace(secret, b"...")
    return refusal


class Confined(PacedConnection, HTTPConnection):
    """Connects where `addresses` lets it; the certificate asked for is still that of the name.

    PermanentFailure if it must not, which urllib3 and requests let through as it is.
    """

    response_class = PacedResponse

    def _new_conn(self) -> socket.socket:
        try:
            connection = connected(self._dns_host, self.port, seconds=self.timeout)
        except TimeoutError as error:
            raise ConnectTimeoutError(self, f"no connection to {self.host} in time") from error
        except OSError as error:
            raise NewConnectionError(self, f"no connection to {self.host}: {error}") from error
        for option in self.socket_options or ():
            connection.setsockopt(*option)
        return connection


class ConfinedTls(Confined, HTTPSConnection):
    """The same with TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = Confined


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = ConfinedTls


def confine(manager: PoolManager) -> None:
    """Have every connection that the manager makes from now on be a confined one."""
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
