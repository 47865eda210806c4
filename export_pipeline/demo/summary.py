"""What the demo delivered, as a document: for people's eyes afterwards, and for programs that check it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from export_pipeline.exports.export import Export
from export_pipeline.receipts.receipt import receipt_from
from export_pipeline.store.ledger import LedgerEntry


def summary_of(export: Export, entries: Sequence[LedgerEntry], downloads: Path) -> dict[str, Any]:
    """One export's hours and files; paths are absolute paths of the files on disk."""
    files = []
    for entry in entries:
        receipt = receipt_from(entry.receipt.encode(), entry.receipt_key)
        files += [
            {
                "path": str(downloads / file.key),
                "hour": f"{entry.hour:%Y-%m-%dT%H:%M:%SZ}",
                "table": file.table,
                "rows": file.rows,
                "bytes": file.bytes,
                "sha256": file.sha256,
                "receipt": str(downloads / entry.receipt_key),
            }
            for file in receipt.files
        ]
    return {
        "hours": len(entries),
        "rows": sum(entry.rows for entry in entries),
        "bytes": sum(entry.bytes for entry in entries),
        "format": export.definition.format.extension,
        "filter": export.definition.filter,
        "files": files,
    }


def write_summary(path: Path, exports: dict[str, dict[str, Any]]) -> None:
    """Leave the summary at `path`, whole or not at all."""
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps({"exports": exports}, indent=2) + "\n")
    draft.replace(path)
