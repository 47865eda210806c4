"""The side files of an export that asks for them: beside its data, once for each version of a schema.

They are in place before the first file that they describe. The version is a digest of a file's columns, by
their names there, and of its format; a receipt says of each of its files which side files describe it.
"""

import hashlib
import threading
from collections.abc import Callable

from export_pipeline.connectors.destination import Destination
from export_pipeline.errors import Conflict, Spoilt
from export_pipeline.exports.export import Export
from export_pipeline.exports.naming import DIGITS_OF_VERSION, key_pieces, side_files_folder
from export_pipeline.formats.side_files.side_file import side_files
from export_pipeline.formats.side_files.table_files import TableFiles
from export_pipeline.pipeline.hours import FormattedFile, FormattedHour
from export_pipeline.pipeline.placing import BytesContent, Taken, lies_there, place
from export_pipeline.receipts.receipt import canonical
from export_pipeline.windows import HourWindow

# Another run may write the same at the same moment, and then it is there; so many times it is somebody else.
ATTEMPTS_TO_PLACE = 5


def schema_version(export: Export, file: FormattedFile) -> str:
    """What tells one version of a table's schema from the next: the columns of its files, and their form."""
    described = {
        "table": file.table,
        "columns": [
            {"name": column.name, "type": str(column.type), "nullable": column.nullable}
            for column in file.columns
        ],
        "format": export.definition.format.model_dump(mode="json"),
    }
    return hashlib.sha256(canonical(described)).hexdigest()[:DIGITS_OF_VERSION]


def folder_of_side_files(export: Export, file: FormattedFile, window: HourWindow) -> str | None:
    """The folder of the side files that describe the file; None when the export asks for none."""
    if not export.definition.push_helpers:
        return None
    context = export.key_context(file.table, window)
    return side_files_folder(export.definition.path, context, schema_version(export, file))


class SideFiles:
    """One export's side files at its destination, put there by one run. Safe to use from many threads.

    `location` is what the connector calls its place.
    """

    def __init__(self, export: Export, destination: Destination, location: str) -> None:
        self._export = export
        self._destination = destination
        self._location = location
        self._lock = threading.Lock()
        self._seen: set[str] = set()

    def place(self, formatted: FormattedHour, *, still_ours: Callable[[], None]) -> None:
        """Put in place those that describe the hour's files, where they are missing or say something else."""
        for file in formatted.files:
            folder = folder_of_side_files(self._export, file, formatted.window)
            if folder is None:
                continue
            # One hour at a time: the first leaves nothing to do for its neighbours.
            with self._lock:
                if folder not in self._seen:
                    files = _table_files(self._export, file, formatted.window, self._location)
                    for name, data in side_files(files).items():
                        self._place(f"{folder}/{name}", BytesContent(data), still_ours)
                    self._seen.add(folder)

    def _place(self, key: str, content: BytesContent, still_ours: Callable[[], None]) -> None:
        identity = self._export.identity
        spoilt = False
        for attempts_left in reversed(range(ATTEMPTS_TO_PLACE)):
            if not spoilt and lies_there(self._destination, key, content, identity):
                return
            try:
                place(
                    self._destination,
                    key,
                    content,
                    identity,
                    still_ours=still_ours,
                    after_piece=_unnoted,
                    ours=spoilt,
                )
            except Taken:
                return  # whoever wrote it, its name says the schema, and files can be loaded without it
            except (Conflict, Spoilt) as failure:
                if not attempts_left:
                    raise
                # Described as it should be, and ours: neither a look nor another's refusal must save it.
                spoilt = spoilt or isinstance(failure, Spoilt)
            else:
                return


def _table_files(export: Export, file: FormattedFile, window: HourWindow, location: str) -> TableFiles:
    return TableFiles(
        table=file.table,
        columns=file.columns,
        layout=export.definition.format.layout,
        key_pieces=key_pieces(export.definition.path, export.key_context(file.table, window)),
        # The others are not addresses that a customer could use.
        root=location.rstrip("/") if "://" in location or location.startswith("/") else None,
    )


def _unnoted(_sent: int) -> None:
    """A side file is too small to be worth noting."""
