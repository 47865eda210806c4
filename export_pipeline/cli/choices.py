"""Tables, columns and filters as they are typed."""

from typing import Any

from export_pipeline.errors import InvalidRequest


def chosen_tables(tables: list[str], filters: list[str]) -> list[dict[str, Any]]:
    """`flights:origin,dest`, and what `flights=...` says of its rows, as a definition says it."""
    chosen = [_table(text) for text in tables]
    for text in filters:
        name, equals, filter_ = text.partition("=")
        named = [choice for choice in chosen if choice["name"].casefold() == name.strip().casefold()]
        if not equals or not named:
            known = ", ".join(choice["name"] for choice in chosen) or "none"
            raise InvalidRequest(
                f"--table-filter: {text!r} has to begin with a table that is chosen, and =; chosen: {known}",
                field="table_filter",
            )
        named[0]["filters"].append(filter_.strip())
    return chosen


def _table(text: str) -> dict[str, Any]:
    """`flights:origin,dest` as a definition says it."""
    name, colon, columns = text.partition(":")
    chosen = [column.strip() for column in columns.split(",")] if colon else []
    return {"name": name, "columns": chosen, "filters": []}
