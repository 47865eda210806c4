"""Pieces that the statements of several engines have in common."""

import re
from collections.abc import Iterable, Mapping, Sequence

from export_pipeline.dataset.types import ColumnType, Kind
from export_pipeline.formats.side_files.table_files import FileColumn

# Of Athena's 255, with room for a number.
LONGEST_PLAIN_NAME = 240


def identifier(name: str, mark: str = '"') -> str:
    """The name in quotes, so that it is taken as it is."""
    return f"{mark}{name.replace(mark, mark * 2)}{mark}"


def text(value: str) -> str:
    """The value as a string of standard SQL, in which a backslash is a backslash."""
    return f"'{value.replace(chr(39), chr(39) * 2)}'"


def escaped_text(value: str) -> str:
    """The value as a string of an engine that takes backslashes for escapes."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    for character, letter in {"\r": "r", "\n": "n", "\t": "t"}.items():
        escaped = escaped.replace(character, f"\\{letter}")
    return f"'{escaped}'"


def plain_names(names: Sequence[str]) -> list[str]:
    """Names for engines that know ASCII letters, digits and _ only, each once whatever its case."""
    taken: set[str] = set()
    plain = []
    for name in names:
        asked = re.sub(r"[^A-Za-z0-9_]", "_", name)[:LONGEST_PLAIN_NAME]
        asked = f"_{asked}" if asked[0].isdigit() else asked
        found, number = asked, 1
        while found.lower() in taken:
            number += 1
            found = f"{asked}_{number}"
        taken.add(found.lower())
        plain.append(found)
    return plain


def spelled(type_: ColumnType, types: Mapping[Kind, str]) -> str:
    """The engine's type for a declared one. `p` and `s` in a decimal's are its digits."""
    engines = types[type_.kind]
    if type_.kind is Kind.DECIMAL:
        return engines.replace("(p,s)", f"({type_.precision},{type_.scale})")
    return engines


def names(columns: Iterable[FileColumn]) -> str:
    """The columns' names in a row."""
    return ", ".join(identifier(column.name) for column in columns)


def lines(items: Iterable[str]) -> str:
    """The items one below the other, with commas between."""
    return ",\n".join(f"    {item}" for item in items)


def create_table(
    name: str, columns: Sequence[FileColumn], types: Mapping[Kind, str], *, temporary: bool = False
) -> str:
    """CREATE TABLE, in the standard's words. A temporary one takes NULLs: it is only passed through."""
    kind = "TEMPORARY TABLE" if temporary else "TABLE IF NOT EXISTS"
    defined = (
        f"{identifier(column.name)} {spelled(column.type, types)}"
        f"{'' if column.nullable or temporary else ' NOT NULL'}"
        for column in columns
    )
    return f"CREATE {kind} {identifier(name)} (\n{lines(defined)}\n);"
