"""Text compared and ordered by code points, alike on every engine and whatever its column's collation.

On MySQL and MariaDB as the bytes of its UTF-8, whose order is that of the code points: most of their
collations, the binary ones too, hold `a` and `a ` for equal.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from export_pipeline.dataset.types import ColumnType, Kind

MYSQL = ("mysql", "mariadb")


class CodePoints(sa.TypeDecorator[str]):
    """The type of text that is compared by code points, for the values it is compared with."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        return dialect.type_descriptor(sa.LargeBinary() if dialect.name in MYSQL else sa.Text())

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> Any:
        return value.encode() if value is not None and dialect.name in MYSQL else value


# One for all: SQLAlchemy works out for each instance what it is on a dialect.
CODE_POINTS = CodePoints()


class by_code_point(FunctionElement[str]):  # noqa: N801  # reads as the SQL function that it stands for
    """A column's text, compared by code points."""

    inherit_cache = True
    type = CODE_POINTS


@compiles(by_code_point)
def _in_c_collation(element: by_code_point, compiler: SQLCompiler, **options: Any) -> str:
    return f'(CAST({compiler.process(element.clauses, **options)} AS TEXT) COLLATE "C")'


@compiles(by_code_point, "sqlite")
def _in_binary_collation(element: by_code_point, compiler: SQLCompiler, **options: Any) -> str:
    return f"(CAST({compiler.process(element.clauses, **options)} AS TEXT) COLLATE BINARY)"


@compiles(by_code_point, *MYSQL)
def _as_utf8_or_fail(element: by_code_point, compiler: SQLCompiler, **options: Any) -> str:
    return _utf8_or_fail(compiler.process(element.clauses, **options))


class json_by_code_point(by_code_point):  # noqa: N801
    """A column of JSON, compared as its text. MySQL may have it in a binary column."""

    inherit_cache = True


@compiles(json_by_code_point, *MYSQL)
def _as_utf8_of_bytes_or_fail(element: json_by_code_point, compiler: SQLCompiler, **options: Any) -> str:
    return _utf8_or_fail(compiler.process(element.clauses, **options), bytes_too=True)


def text_of(column: sa.ColumnElement[Any], type_: ColumnType) -> by_code_point:
    """A column of text as it is compared."""
    return json_by_code_point(column) if type_.kind is Kind.JSON else by_code_point(column)


def _utf8_or_fail(column: str, *, bytes_too: bool = False) -> str:
    """What cannot be compared must not be taken for null, or a row would silently not be found."""
    text = _utf8(column, none="NULL", bytes_too=bytes_too)
    return f"COALESCE({text}, IF({column} IS NULL, NULL, {_FAIL}))"


# The one way to fail in a SELECT, when it is come to. `driver_errors` knows what the server says of it.
_FAIL = "(SELECT X'' UNION ALL SELECT X'')"


def _utf8(column: str, *, none: str, bytes_too: bool = False) -> str:
    """A column's text as the bytes of its UTF-8. NULL if that is longer than the server puts together, and
    `none` if it is no text: where a character set has no such byte MySQL makes `?` of it. Bytes are none,
    unless `bytes_too`: then those of UTF-8 are."""
    converted = f"CONVERT({column} USING utf8mb4)"
    as_bytes = f"CAST({converted} AS BINARY)"
    added = f"INSTR({as_bytes}, X'3F') > 0 AND {_question_marks(converted)} <> {_question_marks(column)}"
    refused = f"({added})" if bytes_too else f"CHARSET({column}) = 'binary' OR ({added})"
    checked = f"IF({refused}, {none}, {as_bytes})"
    return f"IF(CHARSET({column}) IN ('utf8mb4', 'utf8mb3'), {as_bytes}, {checked})"


def _question_marks(text: str) -> str:
    return f"(CHAR_LENGTH(REPLACE({text}, '?', '??')) - CHAR_LENGTH({text}))"


class utf8_of(FunctionElement[str]):  # noqa: N801
    """A column's text as MySQL writes it in UTF-8; bytes that are none if it is no text."""

    inherit_cache = True
    type = CODE_POINTS


@compiles(utf8_of, *MYSQL)
def _as_utf8(element: utf8_of, compiler: SQLCompiler, **options: Any) -> str:
    return _utf8(compiler.process(element.clauses, **options), none="X'FF'")


class utf8_of_bytes(FunctionElement[str]):  # noqa: N801
    """The same, also of bytes that are UTF-8."""

    inherit_cache = True
    type = CODE_POINTS


@compiles(utf8_of_bytes, *MYSQL)
def _as_utf8_of_bytes(element: utf8_of_bytes, compiler: SQLCompiler, **options: Any) -> str:
    return _utf8(compiler.process(element.clauses, **options), none="X'FF'", bytes_too=True)


class sorted_by_code_point(FunctionElement[str]):  # noqa: N801
    """A text, as it is compared, in an ORDER BY."""

    inherit_cache = True
    type = CODE_POINTS


@compiles(sorted_by_code_point)
def _as_compared(element: sorted_by_code_point, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


@compiles(sorted_by_code_point, *MYSQL)
def _beyond_what_is_sorted(element: sorted_by_code_point, compiler: SQLCompiler, **options: Any) -> str:
    """MySQL sorts by so many bytes and no more (`max_sort_length`): texts that differ only behind those have
    to come in some order that is always the same."""
    text = compiler.process(element.clauses, **options)
    return f"{text}, SHA2({text}, 256)"


class by_digits(FunctionElement[str]):  # noqa: N801
    """A column's UUID as its 32 digits: engines without the type keep it as text, in either case, with dashes
    or without."""

    inherit_cache = True
    type = CODE_POINTS


@compiles(by_digits)
def _lowered_without_dashes(element: by_digits, compiler: SQLCompiler, **options: Any) -> str:
    return f"replace(lower({compiler.process(by_code_point(*element.clauses), **options)}), '-', '')"


@compiles(by_digits, *MYSQL)
def _lowered_while_it_is_text(element: by_digits, compiler: SQLCompiler, **options: Any) -> str:
    text = f"CONVERT({compiler.process(element.clauses, **options)} USING utf8mb4)"
    # X'' because a mode of the server's takes '' for null.
    return f"CAST(replace(lower({text}), '-', X'') AS BINARY)"
