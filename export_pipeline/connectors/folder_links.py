"""Links in a folder of files: they are followed inside of it, and nowhere else."""

import os
from collections.abc import Collection
from pathlib import Path

from export_pipeline.connectors.limits import shown
from export_pipeline.errors import PermanentFailure


def leads_out(path: Path, root: Path, *, but: str) -> bool:
    """Whether links lead from `path` out of `root`, or into its own subfolder `but`."""
    # Of a circle it makes a path inside: whoever uses that is told of it.
    folder, meant = Path(os.path.realpath(root)), Path(os.path.realpath(path))
    return not meant.is_relative_to(folder) or meant.is_relative_to(folder / but)


def unlinked(path: Path, root: Path, *, but: str) -> Path:
    """`path` itself, if links do not lead out from there; PermanentFailure otherwise."""
    if leads_out(path, root, but=but):
        raise PermanentFailure(
            f"{shown(str(path.relative_to(root)))} lies behind a link that leads out of the folder, or to"
            " what is ours in it; change the path, or remove the link"
        )
    return path


def names_in(folder: Path, root: Path, *, but: str, within: Collection[str]) -> list[str]:
    """What is in the folder, none if there is no such folder. A folder's name gets its slash.

    Sorted so: the keys of what a folder holds all begin with its name and a slash. Left out: links that lead
    nowhere, out of `root`, into `but`, or to a folder `within` which this one lies.
    """
    try:
        with os.scandir(folder) as entries:
            found = [
                f"{entry.name}/" if entry.is_dir() else entry.name
                for entry in entries
                if not entry.is_symlink()
                or (
                    Path(entry).exists()
                    and os.path.realpath(entry) not in within
                    and not leads_out(Path(entry), root, but=but)
                )
            ]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(found, key=os.fsencode)
