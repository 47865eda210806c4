"""Folders that no connector may lead to: those in which we keep the control database, keys, staged rows."""

from collections.abc import Iterable
from pathlib import Path

# The operator's word holds for the process: whoever reads a connector's configuration.
_ours: list[Path] = []


def keep_out_of(folders: Iterable[Path]) -> None:
    """Let no connector lead into these folders, nor to one that they lie in. Forgets what was said before."""
    _ours[:] = [folder.resolve() for folder in folders]


def is_ours(folder: Path) -> bool:
    """Whether the folder, wherever its links lead, holds one of ours or lies in it."""
    meant = folder.resolve()
    return any(meant == own or own in meant.parents or meant in own.parents for own in _ours)
