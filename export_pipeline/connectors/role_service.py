"""Whom we ask, in our own name, to be given a role: the operator's word, for all of the process."""

_address: list[str] = []


def ask_at(address: str | None) -> None:
    """Ask at that address from here on; None: at Amazon's own, for the region."""
    _address[:] = [address] if address else []


def asked_at() -> str | None:
    """The address, unless it is Amazon's own."""
    return _address[0] if _address else None
