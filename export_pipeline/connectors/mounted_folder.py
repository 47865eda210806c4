"""A folder of this machine as a way out: a disk, or a share of the network that is mounted there."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from pydantic import Field, field_validator

from export_pipeline.connectors.destination import StoredObject
from export_pipeline.connectors.folder import FolderConfig, FolderDestination
from export_pipeline.connectors.own_folders import is_ours
from export_pipeline.errors import TransientFailure


class MountedFolderConfig(FolderConfig, frozen=True, extra="forbid", hide_input_in_errors=True):
    """A folder of the machine that runs the pipeline. It has to be there: nobody makes it."""

    marker: str | None = Field(
        None,
        pattern=r"^\.?[^./\x00-\x1f\x7f][^/\x00-\x1f\x7f]{0,198}$",
        description="a file that must lie in the folder: it is missing when the disk is not mounted",
    )

    shown_to: ClassVar[tuple[str, ...]] = ()

    @field_validator("path")
    @classmethod
    def _not_ours(cls, path: Path) -> Path:
        if is_ours(path):
            raise ValueError(
                "must be outside of the folders in which this installation keeps its own files;"
                " choose another"
            )
        return path

    @property
    def operators_only(self) -> str:
        """Why customers must not have this connector."""
        return "type: folders of this machine are for operators; choose a bucket or a receiver of your own"

    def open(self) -> "MountedFolder":
        """The folder as a destination. Looks at nothing yet."""
        return MountedFolder(self.path, marker=self.marker)


class MountedFolder(FolderDestination):
    """See `Destination`. Where the disk is not mounted, the empty folder below it takes no files."""

    def __init__(self, root: Path, *, marker: str | None) -> None:
        super().__init__(root)
        self._marker = marker
        self._sign = root / marker if marker else root

    def path_of(self, key: str) -> Path:
        path = super().path_of(key)
        self._must_be_mounted()
        return path

    def list(self, prefix: str) -> Iterator[StoredObject]:
        self._must_be_mounted()
        yield from (found for found in super().list(prefix) if found.key != self._marker)

    def _must_be_mounted(self) -> None:
        try:
            self._sign.stat()
        except OSError as error:
            raise TransientFailure(
                f"there is no {self._sign} ({error.strerror}): is the disk mounted? Mount it, or make the"
                f" {'folder' if self._sign == self._root else 'marker, an empty file'} if it is"
            ) from error
