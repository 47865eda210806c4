"""Text compared and ordered by code points, alike on every engine and whatever its column's collation.

On MySQL and MariaDB as the bytes of its UTF-8, whose order is that of the code points: most of their
collations, the binary ones too, hold `a` and `a ` for equal.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

MYSQL = ("mysql", "mariadb")


class CodePoints(sa.TypeDecorator[str]):
    """The type of text that is compared by code points, for the values it is compared with."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        return dialect.type_descriptor(sa.LargeBinary() if dialect.name in MYSQL else sa.Text())

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> Any:
        return value.encode() if value is not None and dialect.name in MYSQL else value


class by_code_point(FunctionElement[str]):  # noqa: N801  # reads as the SQL function that it stands for
    """A column's text, compared by code points."""

    inherit_cache = True
    type = CodePoints()


@compiles(by_code_point)
def _in_c_collation(element: by_code_point, compiler: SQLCompiler, **options: Any) -> str:
    return f'(CAST({compiler.process(element.clauses, **options)} AS TEXT) COLLATE "C")'


@compiles(by_code_point, "sqlite")
def _in_binary_collation(element: by_code_point, compiler: SQLCompiler, **options: Any) -> str:
    return f"(CAST({compiler.process(element.clauses, **options)} AS TEXT) COLLATE BINARY)"


@compiles(by_code_point, *MYSQL)
def _as_utf8(element: by_code_point, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST(CONVERT({compiler.process(element.clauses, **options)} USING utf8mb4) AS BINARY)"


class sorted_by_code_point(FunctionElement[str]):  # noqa: N801
    """A column's text in an ORDER BY."""

    inherit_cache = True
    type = CodePoints()


@compiles(sorted_by_code_point)
def _as_compared(element: sorted_by_code_point, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(by_code_point(*element.clauses), **options)


@compiles(sorted_by_code_point, *MYSQL)
def _beyond_what_is_sorted(element: sorted_by_code_point, compiler: SQLCompiler, **options: Any) -> str:
    """MySQL sorts by so many bytes and no more (`max_sort_length`): texts that differ only behind those have
    to come in some order that is always the same."""
    text = compiler.process(by_code_point(*element.clauses), **options)
    return f"{text}, SHA2({text}, 256)"


class by_digits(FunctionElement[str]):  # noqa: N801
    """A column's UUID as its 32 digits: engines without the type keep it as text, in either case, with dashes
    or without."""

    inherit_cache = True
    type = CodePoints()


@compiles(by_digits)
def _lowered_without_dashes(element: by_digits, compiler: SQLCompiler, **options: Any) -> str:
    return f"replace(lower({compiler.process(by_code_point(*element.clauses), **options)}), '-', '')"


@compiles(by_digits, *MYSQL)
def _lowered_while_it_is_text(element: by_digits, compiler: SQLCompiler, **options: Any) -> str:
    text = f"CONVERT({compiler.process(element.clauses, **options)} USING utf8mb4)"
    # X'' because a mode of the server's takes '' for null.
    return f"CAST(replace(lower({text}), '-', X'') AS BINARY)"
