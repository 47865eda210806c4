"""Connector configurations at rest: encrypted and authenticated (Fernet: AES-128-CBC, HMAC-SHA256)."""

import logging
import os
import uuid
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from export_pipeline.errors import ExportPipelineError

LOG = logging.getLogger(__name__)


class SecretKey:
    """The key that seals what is stored. It shows itself to nobody, not even in a traceback."""

    def __init__(self, key: str, *, kept_in: str = "EXPORT_PIPELINE_SECRET_KEY") -> None:
        try:
            self._fernet = Fernet(key)
        except ValueError as error:
            raise ExportPipelineError(
                f"{kept_in} is not a key; put back the one in use until now, or make a first one with:"
                " python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"
            ) from error

    def __repr__(self) -> str:
        return "SecretKey(**********)"

    def seal(self, text: str) -> bytes:
        return self._fernet.encrypt(text.encode())

    def unseal(self, sealed: bytes) -> str:
        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken as error:
            raise ExportPipelineError(
                "a stored connector was encrypted with another key;"
                " set EXPORT_PIPELINE_SECRET_KEY to the one in use when it was made"
            ) from error


def secret_key(given: str | None, key_file: Path) -> SecretKey:
    """The given key, else the one in `key_file`, which is made (mode 0600) when it is not there."""
    if given is not None:
        return SecretKey(given)
    if not key_file.exists():
        _make(key_file)
    if key_file.stat().st_mode & 0o077:
        raise ExportPipelineError(f"{key_file} can be read by others; protect it: chmod 600 {key_file}")
    return SecretKey(key_file.read_text(errors="replace").strip(), kept_in=f"the content of {key_file}")


def _make(key_file: Path) -> None:
    key_file.parent.mkdir(parents=True, exist_ok=True)
    # Written aside and linked into place: of two processes that start at once, one makes the key and
    # both use it. The draft of one that was killed is in nobody's way.
    draft = key_file.with_name(f"{key_file.name}.{uuid.uuid4().hex}")
    handle = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(Fernet.generate_key())
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, key_file)
        LOG.warning("made the key that encrypts stored credentials: %s; back it up", key_file)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
