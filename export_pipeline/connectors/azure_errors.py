"""What an answer of Azure Blob Storage means for us: whether to try again, and if not, what to change."""

import re
from dataclasses import dataclass

from export_pipeline.connectors.limits import shown
from export_pipeline.connectors.retrying import leaves_open
from export_pipeline.errors import Conflict, Denied, HourFailed, Kept, PermanentFailure, TransientFailure

# Whoever publishes first has the store forget the blocks of everybody else who writes to the same name.
OVERTAKEN = {"InvalidBlockList", "InvalidBlobOrBlock"}
SPOILT_ON_THE_WAY = {"Md5Mismatch", "Crc64Mismatch", "InvalidMd5", "OperationTimedOut"}
# By a container's immutability policy, or a legal hold.
IMMUTABLE = "BlobImmutableDueTo"
BEING_MADE = {"ContainerBeingDeleted", "AccountBeingCreated"}
CURES = {
    "InvalidBlobType": "there is a blob of another kind under that name; delete it, or change the path",
    "LeaseIdMissing": "somebody holds a lease on it; break the lease, or change the path",
    "BlobArchived": "it is in the archive tier, which cannot be read; choose another `access_tier`",
    "EncryptionScopeNotFound": "there is no such encryption scope; change `encryption_scope`",
}
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9]{0,63}")
REJECTED = (
    "the store does not accept the credentials; check the account's name and its key or SAS token,"
    " whether the token has expired, and this machine's clock"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An answer other than success: HTTP status, Azure's word for the error, after how long to try again."""

    status: int
    code: str
    wait: float | None

    def failure(self, doing: str, key: str, *, container: str) -> HourFailed:
        """The error to raise when `doing` (a verb: "write") `key` was refused so."""
        failure = self._meaning(doing, key, container=container)
        failure.unheard = leaves_open(self.status)
        return failure

    def _meaning(self, doing: str, key: str, *, container: str) -> HourFailed:
        tried = f"could not {doing} {shown(key)} in container {container!r}"
        # Another than a word may quote the address, which holds the SAS token.
        said = self.code if _WORD.fullmatch(self.code) else f"status {self.status}"
        if self.code == "AuthenticationFailed":
            return Denied(f"{tried}: {REJECTED} ({said})")
        if self.code.startswith(IMMUTABLE):
            return Kept(
                f"{tried}: the container's immutability policy, or a legal hold, keeps what is there;"
                f" change that, or the path ({said})"
            )
        if cure := CURES.get(self.code):
            return PermanentFailure(f"{tried}: {cure} ({said})")
        if self.status in (401, 403):
            return Denied(
                f"not allowed to {doing} {shown(key)} in container {container!r}: "
                f"check the connector's credentials and what they may do ({said})"
            )
        if self.code == "ContainerNotFound":
            return PermanentFailure(f"{tried}: there is no such container; create it, or change `container`")
        # Before what else has status 409: it says that the store is busy, not that somebody else wrote.
        if self.code in BEING_MADE | SPOILT_ON_THE_WAY or self.status in (408, 429):
            return self._busy(tried, said)
        # 404: the blob that was to be replaced is gone.
        if self.status in (409, 412) or self.code in OVERTAKEN or self.code == "BlobNotFound":
            return Conflict(f"{tried}: it was written or deleted by somebody else since we looked; try again")
        if 300 <= self.status < 400:
            return PermanentFailure(
                f"{tried}: what answers sends us on to nowhere; change `endpoint_url` ({said})"
            )
        # Below 300: the answer was a success, but could not be read to its end.
        if self.status >= 500 or self.status < 300:
            return self._busy(tried, said)
        return PermanentFailure(f"{tried}: the store refuses ({said}); change the connector's configuration")

    def _busy(self, tried: str, said: str) -> TransientFailure:
        return TransientFailure(f"{tried}: the store asks to try again later ({said})", wait=self.wait)
