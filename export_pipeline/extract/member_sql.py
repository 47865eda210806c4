"""Members of JSON documents as columns, in SQL. `members` says what they mean; a test compares the two.

PostgreSQL's are expressions over JSONB; for SQLite our connections have functions.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from export_pipeline.dataset.types import Kind
from export_pipeline.extract.members import (
    DATE,
    FIRST_MOMENT,
    LARGEST,
    LAST_MOMENT,
    LEAST,
    MEMBER,
    MERGED,
    MOMENT,
    MOST,
    REMAINING,
    SMALLEST,
    UNFIT,
    Named,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A member of a document that is a column of that name: where it is, and of which kind."""

    name: str
    path: tuple[str, ...]
    kind: Kind


class _Made(FunctionElement[Any], ABC):
    """An expression that SQLite has a function for, called with the parts."""

    # The statement depends on more than the parts; SQLAlchemy asks each class for this.
    inherit_cache = False
    in_sqlite: str

    @abstractmethod
    def in_postgresql(self, parts: Sequence[str], compiler: SQLCompiler, **options: Any) -> str:
        """The same for PostgreSQL."""


class merged(_Made):  # noqa: N801  # reads as the SQL function that it stands for
    """A document with the members of another in the place of its own of the same name."""

    inherit_cache = False
    in_sqlite = MERGED
    type = sa.Text()

    def __init__(self, document: sa.ColumnElement[Any], answer: sa.ColumnElement[Any]) -> None:
        super().__init__(document, answer)

    def in_postgresql(self, parts: Sequence[str], compiler: SQLCompiler, **options: Any) -> str:  # noqa: ARG002
        document, answer = (f"CAST({part} AS JSONB)" for part in parts)
        return f"(coalesce({document}, '{{}}') || coalesce({answer}, '{{}}'))"


class member(_Made):  # noqa: N801
    """A member's value; NULL where there is none, and where it does not fit."""

    inherit_cache = False
    in_sqlite = MEMBER

    def __init__(self, document: sa.ColumnElement[Any], wanted: Member) -> None:
        super().__init__(document, _text(json.dumps(wanted.path)), _text(wanted.kind.value))
        self.wanted = wanted

    def in_postgresql(self, parts: Sequence[str], compiler: SQLCompiler, **options: Any) -> str:
        return _typed(_found(parts[0], self.wanted.path, compiler, **options), self.wanted.kind)


class remaining(_Made):  # noqa: N801
    """A document without its named members; NULL if that is nothing."""

    inherit_cache = False
    in_sqlite = REMAINING

    def __init__(self, document: sa.ColumnElement[Any], named: Named) -> None:
        super().__init__(document, _text(json.dumps(named)))
        self.named = named

    def in_postgresql(self, parts: Sequence[str], compiler: SQLCompiler, **options: Any) -> str:
        return _left(parts[0], self.named, compiler, **options)


class unfit(_Made):  # noqa: N801
    """The names of the columns whose members do not fit, each between spaces; NULL if all do."""

    inherit_cache = False
    in_sqlite = UNFIT

    def __init__(self, document: sa.ColumnElement[Any], wanted: Sequence[Member]) -> None:
        asked = json.dumps([(one.name, one.path, one.kind.value) for one in wanted])
        super().__init__(document, _text(asked))
        self.wanted = wanted

    def in_postgresql(self, parts: Sequence[str], compiler: SQLCompiler, **options: Any) -> str:
        if not self.wanted:
            return "CAST(NULL AS TEXT)"
        names = (
            f"CASE WHEN {_misfit(parts[0], one, compiler, **options)}"
            f" THEN {_bound(one.name, compiler, **options)} END"
            for one in self.wanted
        )
        return f"(' ' || nullif(array_to_string(ARRAY[{', '.join(names)}], ' '), '') || ' ')"


@compiles(merged, "sqlite")
@compiles(member, "sqlite")
@compiles(remaining, "sqlite")
@compiles(unfit, "sqlite")
def _called(element: _Made, compiler: SQLCompiler, **options: Any) -> str:
    return f"{element.in_sqlite}({', '.join(compiler.process(part, **options) for part in element.clauses)})"


@compiles(merged, "postgresql")
@compiles(member, "postgresql")
@compiles(remaining, "postgresql")
@compiles(unfit, "postgresql")
def _computed(element: _Made, compiler: SQLCompiler, **options: Any) -> str:
    whole = 2 if isinstance(element, merged) else 1  # the other parts are for the function
    parts = [compiler.process(part, **options) for part in list(element.clauses)[:whole]]
    return element.in_postgresql(parts, compiler, **options)


def _text(value: str) -> sa.BindParameter[str]:
    return sa.bindparam(None, value, sa.Text(), unique=True)


def _bound(value: str, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST({compiler.process(_text(value), **options)} AS TEXT)"


def _found(document: str, path: Sequence[str], compiler: SQLCompiler, **options: Any) -> str:
    names = ", ".join(_bound(name, compiler, **options) for name in path)
    return f"jsonb_extract_path({document}, {names})"


def _typed(value: str, kind: Kind) -> str:
    """A member as its kind. Nothing here fails, whatever it is: a cast's error would tell the value."""
    text, number = f"({value} #>> '{{}}')", f"CAST({value} AS NUMERIC)"
    match kind:
        case Kind.JSON:
            return f"CASE WHEN jsonb_typeof({value}) <> 'null' THEN CAST({value} AS TEXT) END"
        case Kind.STRING:
            return _if("string", value, text)
        case Kind.BOOLEAN:
            return _if("boolean", value, f"CAST({value} AS BOOLEAN)")
        case Kind.INT64:
            whole = f"{number} = trunc({number}) AND {number} BETWEEN {LEAST} AND {MOST}"
            return _if("number", value, f"CASE WHEN {whole} THEN CAST({number} AS BIGINT) END")
        case Kind.FLOAT64:
            # Beyond these, a cast fails.
            inside = f"{number} = 0 OR abs({number}) >= {SMALLEST} AND abs({number}) < {LARGEST}"
            double = f"CAST({text} AS DOUBLE PRECISION)"
            # What has a point was one. Else it has to be written the same, for which the server takes one
            # digit more than needed where a number lies in the middle between two others.
            again = f"CAST(CAST({double} AS TEXT) AS NUMERIC)"
            shorter = f"round({again}, 16 - length(CAST(abs({number}) AS TEXT)))"
            same = f"scale({number}) > 0 OR {number} IN ({again}, {shorter})"
            fits = f"CASE WHEN {inside} THEN CASE WHEN {same} THEN {double} END END"
            return _if("number", value, fits)
        case Kind.DATE:
            return _if("string", value, f"CASE WHEN {_matches(text, DATE)} THEN CAST({text} AS DATE) END")
        case Kind.TIMESTAMP:
            moment = f"CAST(upper({text}) AS TIMESTAMP WITH TIME ZONE)"
            known = f"{moment} BETWEEN '{FIRST_MOMENT}' AND '{LAST_MOMENT}'"
            # One within the other: what no cast can read is not cast.
            fits = f"CASE WHEN {_matches(text, MOMENT)} THEN CASE WHEN {known} THEN {moment} END END"
            return _if("string", value, fits)
        case _:
            raise AssertionError(f"no member is of kind {kind}")


def _if(type_: str, value: str, made: str) -> str:
    return f"CASE WHEN jsonb_typeof({value}) = '{type_}' THEN {made} END"


def _matches(text: str, pattern: str) -> str:
    # Written into the statement: it is ours, and holds no quote.
    return f"{text} ~ '^{pattern}$'"


def _misfit(document: str, wanted: Member, compiler: SQLCompiler, **options: Any) -> str:
    value = _found(document, wanted.path, compiler, **options)
    above = (
        _found(document, wanted.path[:depth], compiler, **options) for depth in range(1, len(wanted.path))
    )
    conditions = [f"jsonb_typeof({one}) NOT IN ('object', 'null')" for one in above]
    if wanted.kind is not Kind.JSON:
        conditions.append(f"(jsonb_typeof({value}) <> 'null' AND ({_typed(value, wanted.kind)}) IS NULL)")
    return " OR ".join(conditions) or "FALSE"


def _left(document: str, named: Named, compiler: SQLCompiler, **options: Any) -> str:
    """What is left of a document, as text."""
    whole = f"CASE WHEN jsonb_typeof({document}) = 'object' THEN {document} END"
    names = ", ".join(_bound(name, compiler, **options) for name in named)
    others = f"WHERE NOT key = ANY(ARRAY[{names}])" if named else ""
    parts = [f"SELECT key, CAST(value AS TEXT) FROM jsonb_each({whole}) {others}"]  # noqa: S608  # bound
    for name, inner in named.items():
        if inner:
            key = _bound(name, compiler, **options)
            within = _left(f"({document} -> {_bound(name, compiler, **options)})", inner, compiler, **options)
            parts.append(f"SELECT {key}, {within}")
    member_text = "CAST(to_jsonb(key) AS TEXT) || ': ' || value"
    return (
        f"(SELECT '{{' || string_agg({member_text}, ', ' ORDER BY key COLLATE \"C\") || '}}'"  # noqa: S608
        f" FROM ({' UNION ALL '.join(parts)}) AS members (key, value) WHERE value IS NOT NULL)"
    )
