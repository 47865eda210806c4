"""The parts of one object on their way to S3."""

import base64
import logging
import re
import zlib
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypedDict

from export_pipeline.connectors.destination import WHATEVER, Proof, Version
from export_pipeline.connectors.limits import checked_own, shown
from export_pipeline.connectors.parts import Part
from export_pipeline.connectors.strangers import taken_from_an_answer
from export_pipeline.connectors.streamed import UPLOAD_ID, named, nothing_published
from export_pipeline.connectors.unfinished import Note, Unfinished, left_behind, noted
from export_pipeline.errors import Denied, HourFailed, Spoilt, TransientFailure

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import (
        CompletedPartTypeDef,
        PutObjectOutputTypeDef,
        UploadPartOutputTypeDef,
    )

    from export_pipeline.connectors.s3_store import S3Destination

logger = logging.getLogger(__name__)

# Of uploads that we are not let end, in one place: each check of a connector leaves some there. When we are
# let, these are ended, and nobody but a lifecycle rule knows of the others.
MOST_NOTED = 100

# Four bytes in base64. Some stores answer with an empty field, or with words of their own.
_CRC32 = re.compile("[A-Za-z0-9+/]{6}==")


class Address(TypedDict):
    """Which object a request is about."""

    Bucket: str
    Key: str


class Condition(TypedDict, total=False):
    """What must hold for a write to take place."""

    IfNoneMatch: str
    IfMatch: str


class S3Sending:
    """See `Sending`."""

    def __init__(self, store: "S3Destination", key: str, metadata: Mapping[str, str]) -> None:
        self._store = store
        self._client = store.client
        self._key = key
        self._address: Address = {"Bucket": store.bucket, "Key": store.full_key(key)}
        self._metadata = named(metadata)
        self._told: list[bool] = []  # of each part, whether the store said what checksum it has
        self._sent: list[CompletedPartTypeDef] = []
        self._multipart_id: str | None = None  # the store's name for the parts that belong together
        self._note: Note | None = None

    @property
    def proof(self) -> Proof:
        """See `Upload`. Not every store that is told a checksum looks at it: who does, tells it back."""
        return Proof.CHECKSUM if self._told and all(self._told) else Proof.ANSWER

    def begin_parts(self) -> bool:
        self._begun()
        return True

    def send(self, part: Part) -> None:
        multipart_id = self._begun()
        with self._store.translated("write", self._key):
            part.body.seek(0)
            answer = self._client.upload_part(
                **self._address,
                UploadId=multipart_id,
                PartNumber=part.number,
                Body=part.body,
                ChecksumAlgorithm="CRC32",
            )
            sent: CompletedPartTypeDef = {"PartNumber": part.number, "ETag": answer["ETag"]}
        told = _checksum(answer)
        if not self._is_as_sent(part, told):
            raise TransientFailure(f"{self._spoilt} than was sent; try again")
        if told is not None:  # then it has to be given back when the parts are joined
            sent["ChecksumCRC32"] = told
        self._sent.append(sent)

    def publish(self, last: Part, *, replaces: Version | None) -> Version:
        condition = _if(replaces)
        if self._multipart_id is None:
            return self._put(last, condition)
        with nothing_published():
            self.send(last)
        with self._store.translated("write", self._key):
            joined = self._client.complete_multipart_upload(
                **self._address,
                **condition,
                UploadId=self._multipart_id,
                MultipartUpload={"Parts": self._sent},
            )
            version = _version_in(joined)
        self._multipart_id = None  # nothing is left of its parts that could be removed
        return version

    def published(self) -> Version | None:
        found = self._store.present(self._key)
        if found is None or found["Metadata"].get(UPLOAD_ID) != self._metadata[UPLOAD_ID]:
            return None
        self._multipart_id = None
        return Version(found["ETag"])

    def abandon(self) -> str | None:
        if self._multipart_id is not None:
            try:
                gone = self._client.exceptions.NoSuchUpload  # joined after all, or ended by somebody else
                with self._store.translated("abandon", self._key), suppress(gone):
                    self._client.abort_multipart_upload(**self._address, UploadId=self._multipart_id)
            except HourFailed as failure:
                # Whoever aborts has a more important error at hand. What was sent stays invisible.
                logger.warning("an upload's parts stay in the bucket until the next upload: %s", failure)
                if self._note:
                    self._note.leave()
                return str(failure) if isinstance(failure, Denied) else None
        if self._note:
            self._note.forget()
        return None

    def _begun(self) -> str:
        """The store's name for the parts that belong together, which are begun with it."""
        if self._multipart_id is None:
            with self._store.translated("write", self._key):
                begun = self._client.create_multipart_upload(
                    **self._address, **self._store.kept, Metadata=self._metadata, ChecksumAlgorithm="CRC32"
                )
                self._multipart_id = checked_own(begun["UploadId"])
                self._note = noted(
                    Unfinished(
                        place=self._store.place, key=self._address["Key"], upload_id=self._multipart_id
                    )
                )
        return self._multipart_id

    def _put(self, only: Part, condition: Condition) -> Version:
        with self._store.translated("write", self._key):
            only.body.seek(0)
            put = self._client.put_object(
                **self._address,
                **condition,
                **self._store.kept,
                Body=only.body,
                Metadata=self._metadata,
                ChecksumAlgorithm="CRC32",
            )
            version = _version_in(put)
        if not self._is_as_sent(only, _checksum(put)):
            raise Spoilt(
                f"{self._spoilt} than was sent, and that is there until the next attempt replaces it"
            )
        return version

    def _is_as_sent(self, part: Part, told: str | None) -> bool:
        """Whether the store has what was sent, as far as it tells."""
        self._told.append(told is not None)
        ours = 0
        for piece in part.pieces():
            ours = zlib.crc32(piece, ours)
        return told in (None, base64.b64encode(ours.to_bytes(4)).decode())

    @property
    def _spoilt(self) -> str:
        return f"could not write {shown(self._key)} in bucket {self._store.bucket!r}: it took something else"


def _version_in(answer: Mapping[str, Any]) -> Version:
    with taken_from_an_answer():
        return Version(answer["ETag"])


def _checksum(answer: "UploadPartOutputTypeDef | PutObjectOutputTypeDef") -> str | None:
    """The checksum that a store tells of what it took; None where it tells none."""
    told = answer.get("ChecksumCRC32")
    return told if told is not None and _CRC32.fullmatch(told) else None


def _if(replaces: Version | None) -> Condition:
    if replaces is None:
        return {"IfNoneMatch": "*"}
    return {} if replaces == WHATEVER else {"IfMatch": replaces}


def end_left_behind(store: "S3Destination") -> None:
    """End what killed processes of ours have begun to write there, as far as the store lets us."""
    client = store.client
    stay = 0
    for upload, note in left_behind(store.place):
        if stay:  # who may not end one may end none
            stay += 1
            if stay > MOST_NOTED:
                note.forget()
            continue
        try:
            with store.translated("abandon", upload.key), suppress(client.exceptions.NoSuchUpload):
                client.abort_multipart_upload(Bucket=store.bucket, Key=upload.key, UploadId=upload.upload_id)
        except HourFailed as failure:
            logger.warning("a killed upload's parts stay in the bucket until the next upload: %s", failure)
            if not isinstance(failure, Denied):
                return
            stay = 1
        else:
            note.forget()
