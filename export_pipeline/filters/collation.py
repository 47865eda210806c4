"""Text compared and ordered by code points, alike on every engine and whatever its column's collation."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class by_code_point(FunctionElement[str]):  # noqa: N801  # reads as the SQL function that it stands for
    """A column's text, compared by code points."""

    inherit_cache = True
    type = sa.Text()


@compiles(by_code_point)
def _in_c_collation(element: by_code_point, compiler: SQLCompiler, **options: Any) -> str:
    return f'(CAST({compiler.process(element.clauses, **options)} AS TEXT) COLLATE "C")'


@compiles(by_code_point, "sqlite")
def _in_binary_collation(element: by_code_point, compiler: SQLCompiler, **options: Any) -> str:
    return f"(CAST({compiler.process(element.clauses, **options)} AS TEXT) COLLATE BINARY)"
