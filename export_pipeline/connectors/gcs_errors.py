"""What an answer of Google Cloud Storage means for us: whether to try again, and if not, what to change."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from google.auth.exceptions import RefreshError, TransportError

from export_pipeline.connectors.limits import shown, told
from export_pipeline.connectors.retrying import leaves_open, seconds_of
from export_pipeline.errors import Conflict, Denied, HourFailed, Kept, PermanentFailure, TransientFailure

if TYPE_CHECKING:
    from requests import Response

# Google tells what is missing in words alone.
NO_BUCKET = "bucket does not exist"
KEPT = "cannot be deleted"  # nor overwritten
TO_OVERWRITE = "storage.objects.delete"  # the right that it takes besides

# Answers to a request that belongs to an upload in several requests: the store has forgotten the upload.
GONE = (404, 410)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An answer other than success: HTTP status, the store's own text, after how long to try again."""

    status: int
    text: str
    wait: float | None = None

    @property
    def of_bucket(self) -> bool:
        """Whether it is the bucket that is missing."""
        return self.status == 404 and NO_BUCKET in self.text

    def failure(self, doing: str, key: str, *, bucket: str) -> HourFailed:
        """The error to raise when `doing` (a verb: "write") `key` was refused so."""
        failure = self._meaning(doing, key, bucket=bucket)
        failure.unheard = leaves_open(self.status)
        return failure

    def _meaning(self, doing: str, key: str, *, bucket: str) -> HourFailed:
        tried = f"could not {doing} {shown(key)} in bucket {bucket!r}"
        said = told(self.text) or f"status {self.status}"
        if self.status == 403 and KEPT in self.text:
            return Kept(
                f"{tried}: the bucket's retention policy, or a hold, keeps what is there;"
                f" change that, or the path ({said})"
            )
        if self.status == 403 and doing == "write" and TO_OVERWRITE in self.text:
            return Kept(
                f"{tried}: the account may create objects and not replace what is there;"
                f" let it delete objects too, or change the path ({said})"
            )
        if self.status in (401, 403):
            return Denied(
                f"not allowed to {doing} {shown(key)} in bucket {bucket!r}: "
                f"check the connector's credentials and what they may do ({said})"
            )
        if self.of_bucket:
            return PermanentFailure(f"{tried}: there is no such bucket; create it, or change `bucket`")
        if self.status in (409, 412):
            return Conflict(f"{tried}: it was written or deleted by somebody else since we looked; try again")
        if 300 <= self.status < 400:
            return PermanentFailure(
                f"{tried}: what answers sends us on to nowhere; change `endpoint_url` ({said})"
            )
        # Below 300: the answer was a success, but not one that can be understood.
        if self.status >= 500 or self.status < 300 or self.status in (408, 429, *GONE):
            return TransientFailure(f"{tried}: the store asks to try again later ({said})", wait=self.wait)
        return PermanentFailure(f"{tried}: the store refuses ({said}); change the connector's configuration")


def refusal_in(answer: "Response") -> Refusal:
    """What an answer other than success says."""
    try:
        said = answer.json()["error"]["message"]
        text = said if isinstance(said, str) else ""
    except (ValueError, KeyError, TypeError, RecursionError):
        text = ""
    wait = seconds_of(answer.headers.get("Retry-After"))
    return Refusal(status=answer.status_code, text=text, wait=wait)


def without_token(error: RefreshError, doing: str, key: str, *, bucket: str) -> HourFailed:
    """The error to raise when there was no token to `doing` (a verb: "write") `key` with."""
    if _may_pass(error):
        return TransientFailure(
            f"could not {doing} {shown(key)} in bucket {bucket!r}: Google gives out no tokens now;"
            " try again later"
        )
    return Denied(
        f"not allowed to {doing} {shown(key)} in bucket {bucket!r}: Google does not accept the key;"
        " check the connector's credentials, and this machine's clock"
    )


def _may_pass(error: RefreshError) -> bool:
    """Whether who gives out tokens may do so later. The client says so itself, but not of a machine in
    Google's cloud, whose metadata server it asks: there a silence and a refusal look alike, but for the
    answer that it keeps of the latter.
    """
    cause = error.__cause__
    if not isinstance(cause, TransportError):
        return bool(error.retryable)
    _said, *answers = cause.args
    return all(answer.status >= 500 for answer in answers)
