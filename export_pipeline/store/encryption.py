"""Connector configurations at rest: encrypted and authenticated (Fernet: AES-128-CBC, HMAC-SHA256).

There may be several keys: the first seals, every one unseals. So a key can be replaced while others read.
The same keys sign what we give away and want to know again, by keys derived from them.
"""

import hashlib
import hmac
from pathlib import Path
from typing import NoReturn

from cryptography.fernet import Fernet, InvalidToken

from export_pipeline.errors import ExportPipelineError
from export_pipeline.store.key_file import keys_in, made_if_missing, read_keys

VARIABLE = "EXPORT_PIPELINE_SECRET_KEY"


class _Key:
    """One key, and the name under which it can be spoken of."""

    def __init__(self, text: str) -> None:
        self.fernet = Fernet(text)
        # Of a random key this tells nothing but which one it is.
        self.fingerprint = hashlib.sha256(b"export-pipeline secret key " + text.encode()).hexdigest()[:12]
        self._signing = hmac.digest(text.encode(), b"export-pipeline signing key", "sha256")

    def signature(self, text: str) -> str:
        return hmac.digest(self._signing, text.encode(), "sha256").hex()


class SecretKey:
    """The keys that seal what is stored. They show themselves to nobody, not even in a traceback.

    Those of a file are read anew where that matters: a process that began before a rotation goes on.
    """

    def __init__(self, keys: str, *, key_file: Path | None = None) -> None:
        self.key_file = key_file
        self._keys = _parsed(keys, kept_in=f"the content of {key_file}" if key_file else VARIABLE)
        self._kept = len(self._keys)

    def __repr__(self) -> str:
        return "SecretKey(**********)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret key stays in its process")

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """Of the keys that are kept, as they are now, the first of them first."""
        self._read_anew()
        return tuple(key.fingerprint for key in self._keys[: self._kept])

    def seal(self, text: str) -> bytes:
        """Sealed by the key that is the first now."""
        self._read_anew()
        return self._keys[0].fernet.encrypt(text.encode())

    def unseal(self, sealed: bytes) -> str:
        for key in self._keys_for(sealed):
            return key.fernet.decrypt(sealed).decode()
        raise ExportPipelineError(
            "a stored connector was encrypted with another key, or is damaged; "
            + (
                f"put the key in use when it was made as one more line into {self.key_file}"
                if self.key_file
                else f"set {VARIABLE} to the one in use when it was made, or add that one behind a comma"
            )
        )

    def sealed_by(self, sealed: bytes) -> str | None:
        """The fingerprint of the key that sealed it; None if it is none of ours."""
        return next((key.fingerprint for key in self._keys_for(sealed)), None)

    def sign(self, text: str) -> str:
        """A signature by the key that is the first now: letters and digits."""
        self._read_anew()
        return self._keys[0].signature(text)

    def signed(self, text: str, signature: str) -> bool:
        """Whether one of the keys signed the text so."""
        if self._signed(text, signature):
            return True
        self._read_anew()
        return self._signed(text, signature)

    def _signed(self, text: str, signature: str) -> bool:
        given = signature.encode()
        return any(hmac.compare_digest(key.signature(text).encode(), given) for key in self._keys)

    def _keys_for(self, sealed: bytes) -> list[_Key]:
        if not (found := _opening(self._keys, sealed)) and self.key_file:
            self._read_anew()
            found = _opening(self._keys, sealed)
        return found

    def _read_anew(self) -> None:
        if self.key_file is None:
            return
        kept = _parsed(read_keys(self.key_file), kept_in=f"the content of {self.key_file}")
        fingerprints = {key.fingerprint for key in kept}
        # What could be read once can be read until the process ends: a transaction may see what is stored
        # as it was before a rotation.
        gone = [key for key in self._keys if key.fingerprint not in fingerprints]
        # In this order, for threads that seal at this moment.
        self._keys, self._kept = [*kept, *gone], len(kept)


def secret_key(given: str | None, key_file: Path) -> SecretKey:
    """The given keys, else those in `key_file`, which is made (mode 0600) when it is not there."""
    if given is not None:
        return SecretKey(given)
    made_if_missing(key_file)
    return SecretKey(read_keys(key_file), key_file=key_file)


def _parsed(text: str, *, kept_in: str) -> list[_Key]:
    try:
        return [_Key(part) for part in keys_in(text)]
    except ValueError as error:
        raise ExportPipelineError(
            f"{kept_in} is not a key; put back the one in use until now (several: with commas between them),"
            " or make a first one with:"
            " python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"
        ) from error


def _opening(keys: list[_Key], sealed: bytes) -> list[_Key]:
    for key in keys:
        try:
            key.fernet.decrypt(sealed)
        except InvalidToken:
            continue
        return [key]
    return []
