"""What an answer of an S3 store means for us: whether to try again, and if not, what to change."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from export_pipeline.connectors.limits import shown, told
from export_pipeline.connectors.retrying import seconds_of
from export_pipeline.errors import (
    Conflict,
    Contended,
    Denied,
    HourFailed,
    Kept,
    PermanentFailure,
    TransientFailure,
)

REJECTED_CREDENTIALS = {
    "AuthorizationQueryParametersError",
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidToken",
    "SignatureDoesNotMatch",
    "TokenRefreshRequired",
}
# Where the store says which of them, people need not look at all.
WHAT_IS_WRONG = {
    "ExpiredToken": "they have expired",
    "InvalidAccessKeyId": "the store does not know this `access_key_id`",
    "SignatureDoesNotMatch": "`secret_access_key` is not that of `access_key_id`",
}
# Told in words alone, by Amazon and by MinIO.
KEPT = ("protected by object lock", "worm protected")
CLOCKS = {"RequestExpired", "RequestTimeTooSkewed"}
WRONG_REGION = {"AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "PermanentRedirect"}
# Bytes went wrong or missing on the way, or the parts written so far were cleaned away.
SPOILT_ON_THE_WAY = {
    "BadDigest",
    "IncompleteBody",
    "InvalidPart",
    "NoSuchUpload",
    "RequestTimeout",
    "XAmzContentChecksumMismatch",
    "XAmzContentSHA256Mismatch",
}
# What joins parts may begin its answer with 200 and end it with an error, which the client takes for 500.
# These say that nothing was joined, by the statuses that Amazon documents for them. InternalError is not
# among them, nor is what nobody knows: after those the object may be there.
_AT_THE_END = {
    400: (
        "BadDigest",
        "EntityTooLarge",
        "EntityTooSmall",
        "ExpiredToken",
        "IncompleteBody",
        "InvalidArgument",
        "InvalidDigest",
        "InvalidPart",
        "InvalidPartOrder",
        "InvalidRequest",
        "InvalidToken",
        "KMS.DisabledException",
        "KMS.InvalidKeyUsageException",
        "KMS.KMSInvalidStateException",
        "KMS.NotFoundException",
        "MalformedXML",
        "MetadataTooLarge",
        "RequestTimeout",
        "TokenRefreshRequired",
        "XAmzContentChecksumMismatch",
        "XAmzContentSHA256Mismatch",
    ),
    403: ("AccessDenied", "InvalidAccessKeyId", "RequestTimeTooSkewed", "SignatureDoesNotMatch"),
    404: ("NoSuchBucket", "NoSuchKey", "NoSuchUpload"),
    405: ("MethodNotAllowed",),
    409: ("ConditionalRequestConflict", "OperationAborted"),
    412: ("PreconditionFailed",),
    501: ("NotImplemented",),
    503: ("ServiceUnavailable", "SlowDown"),
}
SAID_AT_THE_END = {code: status for status, codes in _AT_THE_END.items() for code in codes}


def status_of(answer: Mapping[str, Any]) -> int:
    """The HTTP status of an answer that the client has read; that of the error where one came after a 200."""
    status: int = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return SAID_AT_THE_END.get(_word(answer, "Code"), status) if status == 500 else status


def _word(answer: Mapping[str, Any], name: str) -> str:
    """What an error says under that name. The client tells also of elements that are empty or hold others."""
    word = answer.get("Error", {}).get(name)
    return word if isinstance(word, str) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An answer other than success: HTTP status, the protocol's word for the error, the store's own text,
    after how long to try again.
    """

    status: int
    code: str
    text: str
    wait: float | None = None

    def failure(self, doing: str, key: str, *, bucket: str, region: str) -> HourFailed:
        """The error to raise when `doing` (a verb: "write") `key` was refused so."""
        tried = f"could not {doing} {shown(key)} in bucket {bucket!r}"
        said = told(f"{self.code}: {self.text}" if self.text else self.code) or f"status {self.status}"
        if self.code in CLOCKS:
            return PermanentFailure(
                f"{tried}: the clocks of this machine and of the store disagree; set them"
            )
        if any(words in self.text.casefold() for words in KEPT):
            return Kept(
                f"{tried}: the bucket's Object Lock keeps what is there; change that, or the path ({said})"
            )
        if self.code in REJECTED_CREDENTIALS or self.status in (401, 403):
            wrong = WHAT_IS_WRONG.get(self.code)
            return Denied(
                f"not allowed to {doing} {shown(key)} in bucket {bucket!r}: check the connector's credentials"
                f"{f': {wrong}' if wrong else ' and what they may do'} ({told(self.code)})"
            )
        if self.code == "NoSuchBucket":
            return PermanentFailure(f"{tried}: there is no such bucket; create it, or change `bucket`")
        if self.code in WRONG_REGION or self.status in (301, 307, 308):
            return PermanentFailure(
                f"{tried}: it is not in region {region!r}; change `region` or `endpoint_url` ({said})"
            )
        if self.status == 409:  # also where no object is: only 412 says that one is
            return Contended(f"{tried}: others write or delete there at this moment; try again ({said})")
        # 404: the object that was to be replaced is gone.
        if self.status == 412 or self.code == "NoSuchKey":
            return Conflict(f"{tried}: it was written or deleted by somebody else since we looked; try again")
        if self.status == 501:
            return PermanentFailure(f"{tried}: the store cannot do this; use another store ({said})")
        if self.status >= 500 or self.status == 429 or self.code in SPOILT_ON_THE_WAY:
            return TransientFailure(f"{tried}: the store asks to try again later ({said})", wait=self.wait)
        return PermanentFailure(f"{tried}: the store refuses ({said}); change the connector's configuration")


def refusal_in(answer: Mapping[str, Any]) -> Refusal:
    """What an answer other than success says, as the client has read it."""
    fields = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return Refusal(
        status=status_of(answer),
        code=_word(answer, "Code"),
        text=_word(answer, "Message"),
        wait=seconds_of(fields.get("retry-after")),
    )
