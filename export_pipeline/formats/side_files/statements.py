"""Pieces that the statements of several engines have in common."""

from collections.abc import Iterable, Mapping, Sequence

from export_pipeline.dataset.types import ColumnType, Kind
from export_pipeline.formats.side_files.table_files import FileColumn


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
