"""What operators may do with the keys that seal stored credentials, while everything runs."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from export_pipeline.control.audit import note_change
from export_pipeline.errors import InvalidRequest
from export_pipeline.store.database import reading, writing
from export_pipeline.store.encryption import VARIABLE, SecretKey
from export_pipeline.store.key_file import changing
from export_pipeline.store.sealing import let_nobody_seal, seal_anew, sealed_by


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyView:
    """A key as it is shown: what it is called, and how much of what is stored it sealed."""

    fingerprint: str
    sealed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysView:
    """The keys, the one that seals first."""

    kept_in: str
    keys: Sequence[KeyView]
    sealed_by_others: int

    @property
    def unused(self) -> Sequence[str]:
        """The keys that nothing stored needs, but for the one that seals."""
        return [key.fingerprint for key in self.keys[1:] if not key.sealed]


def show_keys(connection: sa.Connection, key: SecretKey) -> KeysView:
    """Which keys there are, and what each of them sealed."""
    counts = sealed_by(connection, key)
    fingerprints = key.fingerprints
    return KeysView(
        kept_in=str(key.key_file) if key.key_file else VARIABLE,
        keys=[KeyView(fingerprint=name, sealed=counts.get(name, 0)) for name in fingerprints],
        sealed_by_others=sum(count for name, count in counts.items() if name not in fingerprints),
    )


def rotate_keys(control: sa.Engine, key: SecretKey) -> tuple[int, KeysView]:
    """Make a new key the first, if they are in a file, and seal everything anew with the first one.

    No key is dropped. May be done again after it was broken off, wherever that was. Returns how many things
    were sealed anew.
    """
    if key.key_file is None:
        done = seal_anew(control, key)
    else:
        with changing(key.key_file) as file:
            with reading(control) as connection:
                _refuse_strangers(show_keys(connection, key))
            file.add_in_front()
            done = seal_anew(control, key)
    with writing(control) as connection:
        found = show_keys(connection, key)
        first = found.keys[0].fingerprint
        note_change(
            connection, "secret-key.rotate", organization=None, subject=first, after={"sealed_anew": done}
        )
        return done, found


def prune_keys(control: sa.Engine, key: SecretKey) -> Sequence[str]:
    """Drop the keys that nothing stored needs from their file; their fingerprints."""
    if key.key_file is None:
        raise InvalidRequest(
            f"the keys are in {VARIABLE}: take out those that `export-pipeline secret-key show` calls unused"
        )
    with changing(key.key_file) as file, writing(control) as connection:
        let_nobody_seal(connection)
        found = show_keys(connection, key)
        _refuse_strangers(found)
        unused = found.unused
        file.keep([number for number, one in enumerate(found.keys) if one.fingerprint not in unused])
        for fingerprint in unused:
            note_change(connection, "secret-key.prune", organization=None, subject=fingerprint, before={})
    return unused


def _refuse_strangers(found: KeysView) -> None:
    if found.sealed_by_others:
        raise InvalidRequest(
            f"{found.sealed_by_others} of what is stored was sealed by a key that is not in {found.kept_in};"
            " add that key, or delete the connectors"
        )
