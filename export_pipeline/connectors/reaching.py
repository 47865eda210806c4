"""Whether who answers for a destination is found, and takes our call."""

import socket
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from export_pipeline.connectors.addresses import SETTING, connected, places_of
from export_pipeline.connectors.retrying import reason_of
from export_pipeline.errors import PermanentFailure, TransientFailure

SECONDS_TO_CONNECT = 10


class Server:
    """Who answers for the destination, if it lies behind a network."""

    def __init__(self, address: str, *, inside: bool) -> None:
        parts = urlsplit(address)
        self._host = parts.hostname
        self._port = parts.port or (80 if parts.scheme == "http" else 443)
        self._inside = inside
        # A proxy looks for the host by itself, and may be the only one who finds it.
        asked = inside and self._host and parts.scheme in getproxies()
        self._proxied = bool(asked and not proxy_bypass(self._host or ""))

    def resolve(self) -> str:
        if self._host is None:
            return "It is on a disk here, so no name has to be found."
        if self._proxied:
            return f"The name {self._host} is found by a proxy."
        if not self._inside:
            self._resolve_outside(self._host)
            return f"The host name {self._host} is found."
        try:
            socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise TransientFailure(
                f"the host name {self._host} is not found ({reason_of(error)}): look whether it is spelled"
                " right; a new name may take an hour to be known everywhere"
            ) from error
        return f"The host name {self._host} is found."

    def _resolve_outside(self, host: str) -> None:
        try:
            places_of(host, self._port)
        except (OSError, PermanentFailure):
            # One sentence for both, or outsiders would learn which names there are inside. Nor is the cause
            # kept, which says it.
            raise TransientFailure(
                f"the host name {host} is not found, or not reachable by everybody: look whether it is"
                " spelled right; a new name may take an hour to be known everywhere, and a network of the"
                f" operator's has to be allowed in {SETTING}"
            ) from None

    def connect(self) -> str:
        if self._host is None:
            return "It is on a disk here, so nobody has to be called."
        if self._proxied:
            return f"The server {self._host} is called through a proxy."
        try:
            if self._inside:
                call = socket.create_connection((self._host, self._port), timeout=SECONDS_TO_CONNECT)
            else:
                call = connected(self._host, self._port, seconds=SECONDS_TO_CONNECT)
        except OSError as error:
            raise TransientFailure(
                f"the server {self._host} does not answer at port {self._port} ({reason_of(error)}), so"
                " the credentials were not even looked at: see whether the address is right and lets us in"
            ) from error
        call.close()
        return f"The server {self._host} answers at port {self._port}."
