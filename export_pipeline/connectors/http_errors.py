"""What an answer of an HTTP receiver means for us: whether to try again, and if not, what to change."""

import re
from dataclasses import dataclass
from http.client import responses
from urllib.parse import urlsplit

from export_pipeline.connectors.limits import shown
from export_pipeline.connectors.retrying import leaves_open
from export_pipeline.errors import Conflict, Denied, HourFailed, PermanentFailure, TransientFailure

BUSY = {408, 421, 425, 429}
CURES = {
    404: "there is nothing at that address; have it create it, or change `url`",
    405: "it does not take that; change `method`",
    410: "there is nothing at that address any more; change `url`",
    411: "it wants something else than a length; use another receiver",
    413: "the file is too large for it; export fewer rows into one file",
    415: "it does not take files like that; change the export's format",
    501: "it cannot do this; use another receiver",
    505: "it speaks another version of HTTP; use another receiver",
}


def host_in(address: str) -> str | None:
    """The host that an address names, if it is one: a receiver may answer anything."""
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        return None
    return host if re.fullmatch(r"[a-z0-9.:_-]{1,253}", host) else None


def sent_on(asked: str, location: str) -> PermanentFailure:
    """The failure that a store sends us to another address. It tells hosts: what follows may be secret."""
    return PermanentFailure(
        f"{host_in(asked) or 'it'} sends us on to {host_in(location) or 'another place'}, and nobody is"
        " followed; change the connector's address if that is where the store is"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An answer other than success: HTTP status, after how long to try again, where it sends us.

    Not what it says in words: that might be a part of the file.
    """

    status: int
    wait: float | None = None
    elsewhere: str | None = None

    def failure(self, doing: str, key: str, *, receiver: str) -> HourFailed:
        """The error to raise when `doing` (a verb: "write") `key` was refused so."""
        failure = self._meaning(doing, key, receiver=receiver)
        failure.unheard = leaves_open(self.status)
        return failure

    def _meaning(self, doing: str, key: str, *, receiver: str) -> HourFailed:
        tried = f"could not {doing} {shown(key)} at {receiver}"
        said = f"{self.status} {responses.get(self.status, '')}".strip()
        if self.status in (401, 403, 407):
            return Denied(
                f"not allowed to {doing} {shown(key)} at {receiver}: "
                f"check the connector's credentials and what they may do ({said})"
            )
        if 300 <= self.status < 400:
            return PermanentFailure(
                f"{tried}: it sends us to {self.elsewhere or 'another place'}, and nobody is followed;"
                f" change `url` if that is where files go ({said})"
            )
        if cure := CURES.get(self.status):
            return PermanentFailure(f"{tried}: {cure} ({said})")
        if self.status in (409, 412):
            return Conflict(
                f"{tried}: it was written or deleted by somebody else since we looked; try again ({said})"
            )
        if self.status >= 500 or self.status in BUSY:
            return TransientFailure(f"{tried}: the receiver asks to try again later ({said})", wait=self.wait)
        return PermanentFailure(
            f"{tried}: the receiver refuses ({said}); change the connector's configuration"
        )
