"""What may be asked of any store: keys and metadata that every one of them takes and gives back unchanged."""

import re
import unicodedata
from collections.abc import Mapping

from export_pipeline.errors import PermanentFailure

MAX_KEY_BYTES = 1024  # in UTF-8: the limit of S3, GCS and Azure alike
# Names and values together: S3's 2 kB, the smallest limit of the three, with room for an upload's own name.
MAX_METADATA_BYTES = 1920

_METADATA_NAME = re.compile(r"[a-z][a-z0-9-]*")
# Stores carry metadata in HTTP headers, which lose outer spaces.
_METADATA_VALUE = re.compile(r"[!-~]([ -~]*[!-~])?")


def checked_key(key: str) -> str:
    """`key` itself, if it names an object inside the destination; PermanentFailure otherwise.

    Nothing that one store would take for a way out of its folder, or that another would refuse,
    is let through: empty, `.` and `..` segments, control characters, more than MAX_KEY_BYTES.
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
    else:
        problem = text_problem(key)
    if problem:
        raise PermanentFailure(f"{shown(key)} cannot be an object's key: {problem}; change the path")
    return key


def checked_prefix(prefix: str) -> str:
    """`prefix` itself, if some key can begin with it; PermanentFailure otherwise."""
    checked_key(f"{prefix}x")  # whatever the last segment begins with, one more character makes it whole
    return prefix


def text_problem(text: str) -> str | None:
    """What keeps `text` from being (part of) a key on some store; None when nothing does."""
    if any(unicodedata.category(character) == "Cc" for character in text):
        return "it holds a control character"
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        return "it is not valid Unicode"
    if size > MAX_KEY_BYTES:
        return f"it takes {size} bytes and may take {MAX_KEY_BYTES}"
    return None


def shown(key: str) -> str:
    """The key as an error shows it: quoted, without control characters, and not for pages."""
    return ascii(key) if len(key) <= 200 else f"{key[:200]!a}..."


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
