"""One object being written to S3: a single request if it fits into one, else parts that the store joins."""

import logging
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypedDict

from export_pipeline.connectors.destination import Version
from export_pipeline.connectors.limits import shown
from export_pipeline.connectors.parts import Part, Parts
from export_pipeline.errors import HourFailed, TransientFailure

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

    from export_pipeline.connectors.s3 import S3Destination

logger = logging.getLogger(__name__)

# Every upload has a name of its own in its object's metadata. When the answer to a conditional write is lost,
# the client asks again and hears "precondition failed" although we won: then this says whose the object is.
UPLOAD_ID = "upload-id"


class Condition(TypedDict, total=False):
    """What must hold for a write to take place."""

    IfNoneMatch: str
    IfMatch: str


class S3Upload:
    """See `Upload`. Holds one part at a time; parts are sent as they fill."""

    def __init__(self, store: "S3Destination", key: str, metadata: Mapping[str, str]) -> None:
        self._store = store
        self._client = store.client
        self._key = key
        self._metadata = metadata
        self._id = uuid.uuid4().hex
        self._parts = Parts()
        self._sent: list[CompletedPartTypeDef] = []
        self._multipart_id: str | None = None  # the store's name for the parts that belong together
        self._over = False

    def write(self, data: bytes) -> None:
        self._still_open()
        try:
            for part in self._parts.add(data):
                self._send(part)
        except HourFailed:
            self.abort()  # some of `data` is in, some is not: nothing can be made of that
            raise

    def commit(self, *, replaces: Version | None) -> Version:
        self._still_open()
        condition: Condition = {"IfNoneMatch": "*"} if replaces is None else {"IfMatch": replaces}
        try:
            try:
                version = self._publish(condition)
            except TransientFailure as failure:
                version = self._published_after_all(failure)
            self._multipart_id = None  # nothing is left of its parts that could be removed
            return version
        finally:
            self.abort()

    def abort(self) -> None:
        self._over = True
        self._parts.close()
        if multipart_id := self._multipart_id:
            self._multipart_id = None
            try:
                with self._store.translated("abandon", self._key):
                    self._client.abort_multipart_upload(**self._address, UploadId=multipart_id)
            except HourFailed as failure:
                # Whoever aborts has a more important error at hand. What was sent stays invisible.
                logger.warning("an upload's parts stay in the bucket until its lifecycle rule: %s", failure)

    @property
    def _address(self) -> "Address":
        return {"Bucket": self._store.bucket, "Key": self._store.full_key(self._key)}

    @property
    def _own_metadata(self) -> dict[str, str]:
        return {**self._metadata, UPLOAD_ID: self._id}

    def _still_open(self) -> None:
        if self._over:
            raise ValueError(f"the upload of {shown(self._key)} is over: begin another")

    def _send(self, part: Part) -> None:
        with self._store.translated("write", self._key):
            if self._multipart_id is None:
                self._multipart_id = self._client.create_multipart_upload(
                    **self._address, Metadata=self._own_metadata, ChecksumAlgorithm="CRC32"
                )["UploadId"]
            part.body.seek(0)
            answer = self._client.upload_part(
                **self._address,
                UploadId=self._multipart_id,
                PartNumber=part.number,
                Body=part.body,
                ChecksumAlgorithm="CRC32",
            )
        sent: CompletedPartTypeDef = {"PartNumber": part.number, "ETag": answer["ETag"]}
        if "ChecksumCRC32" in answer:  # not every store that takes it gives it back
            sent["ChecksumCRC32"] = answer["ChecksumCRC32"]
        self._sent.append(sent)

    def _publish(self, condition: Condition) -> Version:
        last = self._parts.last
        if self._multipart_id is not None:
            self._send(last)
            with self._store.translated("write", self._key):
                joined = self._client.complete_multipart_upload(
                    **self._address,
                    **condition,
                    UploadId=self._multipart_id,
                    MultipartUpload={"Parts": self._sent},
                )
                return Version(joined["ETag"])
        with self._store.translated("write", self._key):
            last.body.seek(0)
            put = self._client.put_object(
                **self._address,
                **condition,
                Body=last.body,
                Metadata=self._own_metadata,
                ChecksumAlgorithm="CRC32",
            )
            return Version(put["ETag"])

    def _published_after_all(self, failure: TransientFailure) -> Version:
        """The version of the object if it is this upload's; raises `failure` if not, or if none can tell."""
        try:
            with self._store.translated("look at", self._key):
                found = self._client.head_object(**self._address)
        except HourFailed:
            raise failure from failure.__cause__
        if found["Metadata"].get(UPLOAD_ID) != self._id:
            raise failure
        return Version(found["ETag"])


class Address(TypedDict):
    """Which object a request is about."""

    Bucket: str
    Key: str
