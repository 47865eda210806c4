"""How many rows a connector takes in a file."""

from export_pipeline.errors import InvalidRequest
from export_pipeline.exports.export import ExportDefinition


def check_row_limit(definition: ExportDefinition, most: int | None) -> None:
    """Refuse a definition that asks for more rows than its connector takes (None: any number).

    Where it asks for all there are, their number shows when they are read.
    """
    if most is not None and definition.row_limit is not None and definition.row_limit > most:
        raise InvalidRequest(
            f"row_limit: this connector takes at most {most:,} rows in a file; ask for fewer, or use a"
            " connector to your own bucket",
            field="row_limit",
        )
