"""A dataset as its declaration in TOML says it. Whatever is wrong is found at once, and pointed at."""

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from export_pipeline.dataset.connector_section import connector_sections
from export_pipeline.dataset.face_section import face_sections
from export_pipeline.dataset.mistakes import Mistakes, dotted, quoted
from export_pipeline.dataset.names import (
    LONGEST_NAME,
    wrong_column_name,
    wrong_display_name,
    wrong_relation,
    wrong_table_name,
    wrong_url_variable,
)
from export_pipeline.dataset.positions import Positions
from export_pipeline.dataset.section import Section
from export_pipeline.dataset.tables import Column, Dataset, Table, suggestion
from export_pipeline.dataset.types import ColumnType, Kind
from export_pipeline.errors import InvalidRequest

_SAYS_THE_HOUR = (Kind.TIMESTAMP, Kind.TIMESTAMP_LOCAL)
_AT = re.compile(r" \(at line (\d+), column (\d+)\)$")
_AT_END = " (at end of document)"


def load_dataset(path: Path, environ: Mapping[str, str] = os.environ) -> Dataset:
    """The declared dataset. `environ` is what its connectors are filled from, when they are used.

    InvalidRequest lists every mistake, one per line, as `file:line:column: key: what to do`. A database URL
    that was written into the file is not repeated.
    """
    text = _read(path)
    mistakes = Mistakes(path, text)
    document = Section(_parse(path, text), (), mistakes)
    dataset = _dataset(document)
    connectors = [*connector_sections(document, path, text, environ)]
    faces = face_sections(document)
    mistakes.raise_any()
    assert dataset is not None  # or there was a mistake
    return replace(dataset, connectors={section.name: section for section in connectors}, faces=faces)


def positions_in(path: Path) -> Positions:
    """Where everything stands in a declaration that could be loaded: for what turns out not to fit."""
    return Positions(_read(path))


def _read(path: Path) -> str:
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise InvalidRequest(
            f"{path}: there is no such file; write the dataset's declaration there, or name another file"
        ) from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = (error.strerror if isinstance(error, OSError) else None) or "no file can be called that"
        raise InvalidRequest(f"{path}: cannot be read ({reason}); let this user read it") from error
    try:
        return content.decode().removeprefix("\ufeff").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line, column = _end(content[: error.start].decode())
        raise InvalidRequest(f"{path}:{line}:{column}: this is not UTF-8; save the file as UTF-8") from error


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise InvalidRequest(f"{path}:1:1: lists or tables are nested too deep; write them flat") from error
    except ValueError as error:  # also of a number that Python will not read
        reason = str(error)
        line, column = _end(text) if reason.endswith(_AT_END) else (1, 1)
        if at := _AT.search(reason):
            line, column = int(at[1]), int(at[2])
        reason = _AT.sub("", reason).removesuffix(_AT_END)
        raise InvalidRequest(
            f"{path}:{line}:{column}: this is not TOML ({reason}); correct it here or just before"
        ) from error


def _end(text: str) -> tuple[int, int]:
    """The line and column after a text."""
    return text.count("\n") + 1, len(text) - text.rfind("\n")


def _dataset(document: Section) -> Dataset | None:
    document.allow("source", "tables", "connectors", "faces")
    if not document.values.keys() & {"source", "tables"}:  # only what is contributed is exported
        return Dataset(url_variable=None, tables={})
    url_variable = None
    if document.require("source", 'add [source] with url_variable = "EXPORT_PIPELINE_SOURCE_URL"'):
        url_variable = _url_variable(document.section("source"))
    tables: list[Table | None] = []
    if document.require("tables", "declare a table, beginning with a line like [tables.flights]"):
        tables = _tables(document.section("tables"))
    known = [table for table in tables if table is not None]
    if url_variable is None or len(known) < len(tables):
        return None
    return Dataset(url_variable=url_variable, tables={table.name: table for table in known})


def _url_variable(source: Section | None) -> str | None:
    if source is None:
        return None
    source.allow("url_variable")
    source.require("url_variable", "name the environment variable that holds the source's URL")
    variable = source.text("url_variable")
    if variable is not None and (wrong := wrong_url_variable(variable)):
        source.mistakes.add((*source.place, "url_variable"), wrong)
        return None
    return variable


def _tables(section: Section | None) -> list[Table | None]:
    if section is None:
        return []
    if not section.values:
        section.mistakes.add(section.place, "there are no tables; declare one, like [tables.flights]")
    first: dict[str, str] = {}
    tables = []
    for name in section.values:
        if wrong := wrong_table_name(name):
            section.mistakes.add_key((*section.place, name), wrong)
        if (other := first.setdefault(name.casefold(), name)) != name:
            message = f"{quoted(other)} and {quoted(name)} differ only by case; rename one of them"
            section.mistakes.add_key((*section.place, name), message)
        table = section.section(name)
        tables.append(None if table is None else _table(name, table))
    return tables


def _table(name: str, section: Section) -> Table | None:
    section.allow("relation", "time_column", "order_by", "tenant_column", "for_every_tenant", "columns")
    relation = section.text("relation")
    if relation is not None and (wrong := wrong_relation(relation)):
        section.mistakes.add((*section.place, "relation"), wrong)
    columns = _columns(section)
    section.require("time_column", "name the column whose time says which hour a row belongs to")
    time_column = section.text("time_column")
    if time_column is not None:
        _check_time(section, columns, time_column)
    order_by = _order_by(section, columns)
    tenant_column = section.text("tenant_column")
    if tenant_column is not None:
        _check_known(section, columns, tenant_column, "tenant_column")
    for_every_tenant = section.flag("for_every_tenant", default=False)
    if for_every_tenant and tenant_column is not None:
        message = "each tenant has rows of its own, as tenant_column says; remove one of the two"
        section.mistakes.add((*section.place, "for_every_tenant"), message)
    if time_column is None:
        return None
    return Table(
        name=name,
        relation=name if relation is None else relation,
        columns=tuple(column for column in columns.values() if isinstance(column, Column)),
        time_column=time_column,
        order_by=tuple(order_by),
        tenant_column=tenant_column,
        for_every_tenant=for_every_tenant,
    )


def _order_by(section: Section, columns: "Columns") -> Sequence[str]:
    section.require("order_by", "name columns that together are different for every row")
    names = section.texts("order_by")
    if names is None:
        return ()
    if not section.values["order_by"]:
        message = "is empty; name columns that together are different for every row"
        section.mistakes.add((*section.place, "order_by"), message)
    given = section.values["order_by"]
    for index, name in enumerate(given):
        if not isinstance(name, str):
            continue
        _check_known(section, columns, name, "order_by", index)
        if name in given[:index]:
            message = f"{quoted(name)} is named twice; remove one"
            section.mistakes.add((*section.place, "order_by", index), message)
    return names


def _check_time(section: Section, columns: "Columns", name: str) -> None:
    _check_known(section, columns, name, "time_column")
    column = columns.get(name)
    if column is None:
        return
    if column.type.kind not in _SAYS_THE_HOUR:
        message = (
            f"{quoted(name)} is a {column.type}; name a column declared timestamp, or timestamp_local, which"
            " is read as UTC"
        )
        section.mistakes.add((*section.place, "time_column"), message)
    elif column.nullable:
        message = (
            f"{quoted(name)} may be NULL, and such a row would belong to no hour; declare the column with"
            " nullable = false, or name another"
        )
        section.mistakes.add((*section.place, "time_column"), message)


def _check_known(section: Section, columns: "Columns", name: str, *key: str | int) -> None:
    if name in columns or not columns:
        return
    usable = [column for column in columns if wrong_column_name(column) is None]
    near = suggestion(name, usable) if usable and len(name) <= LONGEST_NAME else ""
    section.mistakes.add((*section.place, *key), f"there is no column {quoted(name)}{near}")


# By name, in order. None stands for a column of which something else is wrong: its name is known.
Columns = dict[str, Column | None]


def _columns(section: Section) -> Columns:
    cure = f"declare each column, beginning with a line like [[{dotted((*section.place, 'columns'))}]]"
    if section.require("columns", cure) and section.values["columns"] == []:
        section.mistakes.add((*section.place, "columns"), f"there are no columns; {cure}")
    columns: Columns = {}
    names: dict[str, str] = {}
    display_names: dict[str, str] = {}
    for entry in section.sections("columns"):
        name, column = _column(entry)
        if name is None:
            continue
        if (other := names.setdefault(name.casefold(), name)) != name or name in columns:
            message = f"{quoted(name)} is declared already, as {quoted(other)}; remove or rename one of them"
            entry.mistakes.add((*entry.place, "name"), message)
            continue
        columns[name] = column
        if column is not None and display_names.setdefault(column.display_name, name) != name:
            other = quoted(display_names[column.display_name])
            message = (
                f"{other} is called {quoted(column.display_name)} already, and a file would have two columns"
                " of that name; give one of them another display_name"
            )
            entry.mistakes.add((*entry.place, "display_name"), message)
    return columns


def _column(section: Section) -> tuple[str | None, Column | None]:
    section.allow("name", "display_name", "type", "nullable")
    section.require("name", "write what the database calls the column")
    section.require("type", 'write its type, like type = "int64"')
    name = section.text("name")
    if name is not None and (wrong := wrong_column_name(name)):
        section.mistakes.add((*section.place, "name"), wrong)
    display_name = section.text("display_name")
    if display_name is not None and (wrong := wrong_display_name(display_name)):
        section.mistakes.add((*section.place, "display_name"), wrong)
    type_ = _type(section)
    nullable = section.flag("nullable", default=True)
    if name is None or type_ is None:
        return name, None
    return name, Column(
        name=name,
        display_name=name if display_name is None else display_name,
        type=type_,
        nullable=nullable,
    )


def _type(section: Section) -> ColumnType | None:
    text = section.text("type")
    if text is None:
        return None
    try:
        return ColumnType.parse(text)
    except InvalidRequest as error:
        section.mistakes.add((*section.place, "type"), str(error).replace(repr(text), quoted(text)))
        return None
