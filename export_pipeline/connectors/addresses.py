"""Which addresses a connector may call on: those everybody reaches, and what the operator allows besides.

A customer names the host, and our machine stands inside the operator's network: without this, it would fetch
for them what only insiders may. The name is resolved once and the connection goes to an address that was
looked at, so an answer that changes between the look and the call changes nothing.
"""

import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

from export_pipeline.errors import PermanentFailure

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

SETTING = "EXPORT_PIPELINE_ALLOWED_NETWORKS"

# Addresses of IPv6 in whose last four bytes a gateway finds one of IPv4.
TRANSLATED = IPv6Network("64:ff9b::/96")

# Reserved for relays, documentation and protocols, and the service by which Azure tells each machine about
# itself; Python takes them for everybody's.
NOBODYS: tuple[Network, ...] = (
    IPv4Network("192.88.99.0/24"),
    IPv6Network("3fff::/20"),
    IPv4Network("192.0.0.0/24"),
    IPv4Network("168.63.129.16/32"),
)

# The operator's word holds for the process: whoever opens a connector, from whatever part of it.
_allowed: list[Network] = []


def allow(networks: Iterable[Network]) -> None:
    """Let connectors call on these networks too, and on no others that were allowed before."""
    _allowed[:] = networks


def may_be_called(address: Address) -> bool:
    """Whether a connector may call on that address."""
    meant = _meant(address)
    if any(one in network for network in _allowed for one in {address, meant}):
        return True
    if any(meant in network for network in NOBODYS):
        return False
    local = isinstance(meant, IPv6Address) and meant.is_site_local
    return meant.is_global and not (meant.is_multicast or meant.is_reserved or local)


@dataclass(frozen=True, slots=True)
class Place:
    """An address of a host that may be called on, as the system takes it."""

    family: int
    type_: int
    protocol: int
    where: Any

    def connected(self, *, seconds: float | None) -> socket.socket:
        """A connection to it. OSError when it does not answer."""
        connection = socket.socket(self.family, self.type_, self.protocol)
        try:
            connection.settimeout(seconds)
            connection.connect(self.where)
        except OSError:
            connection.close()
            raise
        return connection


def places_of(host: str, port: int) -> Sequence[Place]:
    """The addresses of `host` that may be called on, of which there is at least one.

    PermanentFailure when none of them may, or it is no name; OSError when nobody knows it.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise PermanentFailure(f"{host} is no host's name: change the address") from error
    allowed = [
        Place(family, type_, protocol, where)
        for family, type_, protocol, _name, where in found
        if may_be_called(_address(where))
    ]
    if not allowed:
        raise PermanentFailure(
            # Not where it is: that would tell outsiders about the inside.
            f"{host} is inside a network and not reachable by everybody, so a connector must not call there;"
            f" change the address, or have the operator allow the network in {SETTING}"
        )
    return allowed


def connected(host: str, port: int, *, seconds: float | None) -> socket.socket:
    """A connection to `host`, at the first of its addresses that may be called on and answers.

    PermanentFailure and OSError as for `places_of`; OSError when none answers.
    """
    problem: OSError | None = None
    for place in places_of(host, port):
        try:
            return place.connected(seconds=seconds)
        except OSError as error:
            problem = error
    assert problem is not None
    raise problem


def _address(where: tuple[str | int | bytes, ...]) -> Address:
    return ip_address(str(where[0]).partition("%")[0])  # link-local ones name their interface


def _meant(address: Address) -> Address:
    """The address of IPv4 where one of IPv6 only wraps it."""
    if isinstance(address, IPv4Address):
        return address
    wrapped = address.ipv4_mapped or address.sixtofour or (address.teredo and address.teredo[1])
    if wrapped:
        return wrapped
    if address in TRANSLATED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address
