"""The network below a driver: what keeps a thread waiting when its database is not heard of any more."""

import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DisconnectionError

# A server that is gone without a word is missed so many seconds after it was last heard of. While it only
# thinks, its machine still answers these.
SECONDS_OF_SILENCE = 30
SECONDS_BETWEEN_PROBES = 10
PROBES = 3

NumberOf = Callable[[Any], int | None]


class Lines:
    """The connections that a pool makes and lends, each known to the thread that waits for it.

    One that was lent before is asked first whether it is still good. `number_of` says what file a driver's
    connection is to the operating system.
    """

    def __init__(self, engine: sa.Engine, number_of: NumberOf) -> None:
        self._dialect = engine.dialect
        self._number_of = number_of
        self._given = threading.local()
        sa.event.listen(engine, "connect", self._made, insert=True)  # before anything is asked through it
        sa.event.listen(engine, "checkout", self._lent)

    def cut(self) -> Callable[[], None]:
        """What cuts the connection that this thread has been given last, or is being given meanwhile."""
        given = self._given.line = Line(self._number_of)
        return given.cut

    def waits_for(self, driver: Any) -> None:
        """This thread waits for what the driver's connection says."""
        line = getattr(self._given, "line", None)
        if line is not None:
            line.driver = driver

    def _made(self, driver: Any, _record: object) -> None:
        self.waits_for(driver)

    def _lent(self, driver: Any, record: Any, _proxy: object) -> None:
        self.waits_for(driver)
        if not record.info.setdefault("lent", False):
            record.info["lent"] = True
            return
        try:
            self._dialect.do_ping(driver)
        except self._dialect.loaded_dbapi.Error as error:
            raise DisconnectionError(type(error).__name__) from None  # so the pool makes another


class Line:
    """One driver's connection, once there is one."""

    def __init__(self, number_of: NumberOf) -> None:
        self._number_of = number_of
        self.driver: Any = None

    def cut(self) -> None:
        """End what is waited for on it: to the driver it is as if the server had hung up."""
        # What the driver has closed meanwhile is as good as cut.
        with suppress(Exception):
            number = None if self.driver is None else self._number_of(self.driver)
            if number is not None:
                with socket.socket(fileno=os.dup(number)) as line:  # the driver's own is not for us to close
                    line.shutdown(socket.SHUT_RDWR)


def keep_alive(line: socket.socket) -> None:
    """Have the operating system ask whether the other side is still there."""
    if line.family in (socket.AF_INET, socket.AF_INET6):
        line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in (
            ("TCP_KEEPIDLE", SECONDS_OF_SILENCE),
            ("TCP_KEEPINTVL", SECONDS_BETWEEN_PROBES),
            ("TCP_KEEPCNT", PROBES),
        ):
            if (option := getattr(socket, name, None)) is not None:  # not every system has them
                line.setsockopt(socket.IPPROTO_TCP, option, value)
