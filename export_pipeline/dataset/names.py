"""What tables, columns and environment variables may be called. Each check says what is wrong, or None."""

import re

from export_pipeline.dataset.mistakes import quoted

LONGEST_NAME = 128

_TABLE = re.compile(r"[a-z][a-z0-9_]*")
_COLUMN = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def wrong_table_name(name: str) -> str | None:
    """Table names stand in paths and URLs, where some stores and people ignore case."""
    if _TABLE.fullmatch(name) and len(name) <= LONGEST_NAME:
        return None
    return (
        f"{quoted(name)} cannot be a table's name: begin with one of a-z, go on with those, 0-9 and _, at"
        f" most {LONGEST_NAME} in all; what the database calls it goes into relation"
    )


def wrong_column_name(name: str) -> str | None:
    """API names are written in filters without quotes."""
    if _COLUMN.fullmatch(name) and len(name) <= LONGEST_NAME:
        return None
    return (
        f"{quoted(name)} cannot be a column's name: begin with one of A-Z, a-z and _, go on with those,"
        f" 0-9 and ., at most {LONGEST_NAME} in all; for any other column, declare a view that renames it"
    )


def wrong_display_name(name: str) -> str | None:
    """Display names become the headers of files."""
    if not name.strip():
        return "is empty; write what customers call the column, or leave the key out"
    if _CONTROL.search(name):
        return f"{quoted(name)} holds a line break or another control character; remove it"
    return None


def wrong_relation(relation: str) -> str | None:
    """What is selected from: a table or a view, with its schema or without."""
    parts = relation.split(".")
    if len(parts) <= 2 and all(part.strip() for part in parts) and not _CONTROL.search(relation):
        return None
    return f"{quoted(relation)} is not a table or view; write its name, or schema.name"


def wrong_url_variable(name: str) -> str | None:
    """The name is never repeated: what is mistaken for one may hold a password."""
    if _VARIABLE.fullmatch(name) and len(name) <= LONGEST_NAME:
        return None
    if ":" in name or "@" in name or "=" in name:
        return (
            "this is the URL itself, it seems, and may hold a password: put it into an environment variable,"
            " write that variable's name here, and change the password if others have seen this file"
        )
    return "is not the name of an environment variable; write one like EXPORT_PIPELINE_SOURCE_URL"
