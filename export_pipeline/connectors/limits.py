"""What may be asked of a store: keys that it takes, and metadata that every one gives back unchanged."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from export_pipeline.errors import PermanentFailure

# Names and values together: S3's 2 kB, the smallest limit of the three, with room for an upload's own name.
MAX_METADATA_BYTES = 1920

LONGEST_TOLD = 300

# What a store calls an upload, or a page of a list: it is sent back to it in every address.
LONGEST_OF_ITS_OWN = 2048

_METADATA_NAME = re.compile(r"[a-z][a-z0-9-]*")
# Stores carry metadata in HTTP headers, which lose outer spaces.
_METADATA_VALUE = re.compile(r"[!-~]([ -~]*[!-~])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLimits:
    """What one store asks of keys beyond what every store does.

    `whole` is how long a key may be together with `prefix`, which stands before every key of the connector;
    `part` how many bytes each piece between two slashes may have; `parts` how many pieces there may be;
    `reserved` is a first piece that the store keeps for itself.
    """

    whole: int
    counted_in: Literal["bytes", "characters"] = "bytes"
    prefix: str = ""
    part: int | None = None
    parts: int | None = None
    dot_ends_a_part: bool = True
    reserved: str | None = None

    def below(self, prefix: str) -> "KeyLimits":
        """The same limits for keys that have `prefix` and a slash before them, if it is not empty."""
        return replace(self, prefix=f"{prefix}/" if prefix else "")

    def problem(self, key: str) -> str | None:
        """What keeps the store from taking an object of that key; None when nothing does."""
        full = self.prefix + key
        size = len(full.encode() if self.counted_in == "bytes" else full)
        if size > self.whole:
            with_prefix = " with the connector's prefix" if self.prefix else ""
            return f"it takes {size} {self.counted_in}{with_prefix} and may take {self.whole}"
        pieces = key.split("/")
        longest = max(len(piece.encode()) for piece in pieces)
        if self.part is not None and longest > self.part:
            return f"a part between its slashes takes {longest} bytes and may take {self.part}"
        if self.parts is not None and full.count("/") + 1 > self.parts:
            return f"it has {full.count('/') + 1} parts between its slashes and may have {self.parts}"
        if not self.dot_ends_a_part and any(piece.endswith(".") for piece in pieces):
            return "a part between its slashes ends with a dot"
        if self.reserved is not None and pieces[0].casefold() == self.reserved:
            return f"{self.reserved} is ours"
        return None


S3_KEYS = KeyLimits(whole=1024)
GCS_KEYS = KeyLimits(whole=1024)
AZURE_KEYS = KeyLimits(whole=1024, counted_in="characters", parts=254, dot_ends_a_part=False)
# Linux takes 4,096 bytes with the one that ends the path.
FOLDER_KEYS = KeyLimits(whole=4095, part=255)


def checked_key(key: str, limits: KeyLimits = S3_KEYS) -> str:
    """`key` itself, if it names an object inside the destination; PermanentFailure otherwise.

    Nothing that one store would take for a way out of its folder or for another key, or that `limits` forbid,
    is let through: empty, `.` and `..` segments, backslashes, control characters, too many bytes.
    """
    problem = None
    if not key:
        problem = "it is empty"
    elif key.startswith("/"):
        problem = "it begins with a slash"
    elif key.endswith("/"):
        problem = "it ends with a slash"
    elif any(segment in ("", ".", "..") for segment in key.split("/")):
        problem = "a part between its slashes is empty, '.' or '..'"
    elif "\\" in key:
        problem = "it holds a backslash, which some stores take for a slash"
    else:
        problem = text_problem(key) or limits.problem(key)
    if problem:
        raise PermanentFailure(f"{shown(key)} cannot be an object's key: {problem}; change the path")
    return key


def checked_prefix(prefix: str, limits: KeyLimits = S3_KEYS) -> str:
    """`prefix` itself, if some key can begin with it; PermanentFailure otherwise."""
    checked_key(
        f"{prefix}x", limits
    )  # whatever the last segment begins with, one more character makes it whole
    return prefix


def text_problem(text: str) -> str | None:
    """What keeps `text` from being (part of) a key on some store; None when nothing does."""
    if any(unicodedata.category(character) == "Cc" for character in text):
        return "it holds a control character"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "it is not valid Unicode"
    return None


def shown(key: str) -> str:
    """The key as an error shows it: quoted, without control characters, and not for pages."""
    return ascii(key) if len(key) <= 200 else f"{key[:200]!a}..."


def told(words: str) -> str:
    """A store's own words as an error tells them: on one line, without control characters, not for pages."""
    line = "".join(character for character in " ".join(words.split()) if character.isprintable())
    return line if len(line) <= LONGEST_TOLD else f"{line[:LONGEST_TOLD]}..."


def checked_own(name: str) -> str:
    """A store's own name for something, if it can be sent back; PermanentFailure otherwise."""
    if len(name) > LONGEST_OF_ITS_OWN:
        raise PermanentFailure(
            f"the store's own names take {len(name):,} characters, and may take {LONGEST_OF_ITS_OWN:,};"
            " what answers there is no store that we can use: change the connector's configuration"
        )
    return name


def checked_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    """A copy of `metadata`, if every store keeps it as it is; PermanentFailure otherwise."""
    for name, value in metadata.items():
        if not _METADATA_NAME.fullmatch(name):
            raise PermanentFailure(f"{name!a} cannot name metadata: use lower-case letters, digits, dashes")
        if not _METADATA_VALUE.fullmatch(value):
            raise PermanentFailure(
                f"metadata {name!r} must be printable ASCII, not empty, without outer spaces"
            )
    size = sum(len(name) + len(value) for name, value in metadata.items())
    if size > MAX_METADATA_BYTES:
        raise PermanentFailure(f"metadata takes {size} bytes and may take {MAX_METADATA_BYTES}")
    return dict(metadata)
