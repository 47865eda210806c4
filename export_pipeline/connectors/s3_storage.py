"""How a bucket of S3 is to keep what is written: encrypted by what, in which class, under which tags."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal, TypedDict
from urllib.parse import urlencode

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, model_validator

StorageClass = Literal[
    "STANDARD", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR", "REDUCED_REDUNDANCY"
]
Encryption = Literal["AES256", "aws:kms", "aws:kms:dsse"]

# What a tag may hold, wherever Amazon takes tags.
TAG = re.compile(r"[\w +\-=.:/@]*")
MOST_TAGS = 10


class Kept(TypedDict, total=False):
    """What a request to make an object says of it."""

    ServerSideEncryption: Encryption
    SSEKMSKeyId: str
    BucketKeyEnabled: bool
    StorageClass: StorageClass
    Tagging: str


def _read_at_once(given: object) -> object:
    if given in ("GLACIER", "DEEP_ARCHIVE"):
        raise ValueError(
            f"{given} has to be restored before it can be read, and every file is read back at once; take"
            " GLACIER_IR, or have a lifecycle rule move files there later"
        )
    return given


def _tags(tags: dict[str, str]) -> dict[str, str]:
    if len(tags) > MOST_TAGS:
        raise ValueError(f"an object takes {MOST_TAGS} tags: give fewer")
    for name, value in tags.items():
        if not 1 <= len(name) <= 128 or not TAG.fullmatch(name) or name.casefold().startswith("aws:"):
            raise ValueError(
                f"{name[:40]!r} is no tag's name: letters, digits and +-=._:/@, 1 to 128 of them"
            )
        if len(value) > 256 or not TAG.fullmatch(value):
            raise ValueError(f"the tag {name!r} may hold letters, digits, spaces and +-=._:/@, up to 256")
    return tags


class S3Storage(BaseModel, frozen=True, extra="forbid", hide_input_in_errors=True):
    """What is left out is for the bucket's own settings to say. No ACL is ever sent."""

    encryption: Encryption | None = Field(
        None, description="how the bucket encrypts files: AES256, aws:kms or aws:kms:dsse"
    )
    kms_key_id: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9:/_-]{1,2048}$",
        description="the key to encrypt with: its id, ARN or alias; leave it out for the account's own",
    )
    bucket_key_enabled: bool | None = Field(
        None, description="whether aws:kms is asked for a key by the bucket rather than for each file"
    )
    storage_class: Annotated[StorageClass, BeforeValidator(_read_at_once)] | None = Field(
        None, description="the class in which files are kept"
    )
    tags: Annotated[dict[str, str], AfterValidator(_tags)] = Field(
        {}, description="tags that every file gets, up to ten"
    )

    @model_validator(mode="after")
    def _keys_are_kms(self) -> "S3Storage":
        if self.kms_key_id is not None and self.encryption not in ("aws:kms", "aws:kms:dsse"):
            raise ValueError('kms_key_id is for encryption = "aws:kms" or "aws:kms:dsse": say which')
        if self.bucket_key_enabled is not None and self.encryption != "aws:kms":
            raise ValueError('bucket_key_enabled is for encryption = "aws:kms": say so, or leave it out')
        return self

    @property
    def kept(self) -> Kept:
        """How a request to make an object says all that."""
        said: Kept = {}
        if self.encryption:
            said["ServerSideEncryption"] = self.encryption
        if self.kms_key_id:
            said["SSEKMSKeyId"] = self.kms_key_id
        if self.bucket_key_enabled is not None:
            said["BucketKeyEnabled"] = self.bucket_key_enabled
        if self.storage_class:
            said["StorageClass"] = self.storage_class
        if self.tags:
            said["Tagging"] = urlencode(self.tags)
        return said

    @property
    def rights(self) -> Mapping[str, str]:
        """What whoever writes must be allowed besides: the right, and the field that asks for it."""
        asked = {}
        if self.tags:
            asked["s3:PutObjectTagging"] = "tags"
        if self.encryption not in (None, "AES256"):
            asked["kms:GenerateDataKey and kms:Decrypt on the key"] = "encryption"
        return asked
