"""Named filters: `$NAME` stands for a filter stored under that name."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import assert_never

from export_pipeline.dataset.tables import suggestion
from export_pipeline.errors import InvalidRequest
from export_pipeline.filters.grammar import parse
from export_pipeline.filters.limits import MAX_DEPTH, refuse_too_large, too_large
from export_pipeline.filters.mistakes import mistake
from export_pipeline.filters.tree import (
    AllOf,
    AnyOf,
    CaseInsensitive,
    Comparison,
    Contains,
    Filter,
    IsNull,
    Named,
    Not,
    OneOf,
    Position,
    leaves,
)


class NamedFilters(Mapping[str, Filter]):
    """The filters behind names, from their texts; each is parsed when it is asked for."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self._parsed: dict[str, Filter] = {}

    def __getitem__(self, name: str) -> Filter:
        if name not in self._parsed:
            try:
                self._parsed[name] = parse(self._texts[name])
            except InvalidRequest as error:  # stored by a program that knew another language
                raise mistake(f"${name} cannot be read: {error}", None) from error
        return self._parsed[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)

    def changed(self, name: str, text: str) -> "NamedFilters":
        """The same, but for the text under that name."""
        return NamedFilters({**self._texts, name: text})


NO_NAMED_FILTERS = NamedFilters({})


def names_in(filter_: Filter, named: Mapping[str, Filter] = NO_NAMED_FILTERS) -> frozenset[str]:
    """Every `$NAME` in the filter, and those that they stand for in `named`, and so on."""
    found: set[str] = set()
    waiting = [filter_]
    while waiting:
        names = {leaf.name for leaf in leaves(waiting.pop()) if isinstance(leaf, Named)} - found
        found |= names
        waiting += [named[name] for name in names if name in named]
    return frozenset(found)


def resolve(filter_: Filter, named: Mapping[str, Filter]) -> Filter:
    """The filter with every `$NAME` replaced by what it stands for; names are case-sensitive.

    Raises InvalidRequest for an unknown name, for names that stand for one another in a circle, and if
    what comes out exceeds a limit.
    """
    refuse_too_large(filter_)
    return _resolve(filter_, named, {}, ())


def _resolve(
    filter_: Filter, named: Mapping[str, Filter], resolved: dict[str, Filter], path: tuple[str, ...]
) -> Filter:
    """`resolved` remembers each name's result; `path` are the names we are inside of, outermost first."""
    match filter_:
        case Named(name):
            if name not in resolved:
                resolved[name] = _stands_for(filter_, named, resolved, path)
            result = resolved[name]
        case AllOf(parts):
            result = AllOf(tuple(_resolve(part, named, resolved, path) for part in parts))
        case AnyOf(parts):
            result = AnyOf(tuple(_resolve(part, named, resolved, path) for part in parts))
        case Not(part):
            result = Not(_resolve(part, named, resolved, path))
        case Comparison() | CaseInsensitive() | Contains() | OneOf() | IsNull():
            result = replace(filter_, at=_place(filter_.at, path)) if path else filter_
        case _:
            assert_never(filter_)
    refuse_too_large(result)
    return result


def _stands_for(
    term: Named, named: Mapping[str, Filter], resolved: dict[str, Filter], path: tuple[str, ...]
) -> Filter:
    at = _place(term.at, path)
    if term.name in path:
        circle = " -> ".join(f"${name}" for name in (*path[path.index(term.name) :], term.name))
        raise mistake(f"named filters stand for one another in a circle: {circle}", at)
    if len(path) == MAX_DEPTH:
        raise too_large(f"names filters inside filters more than {MAX_DEPTH} deep", at)
    if term.name not in named:
        known = suggestion(term.name, list(named)) if named else ""
        raise mistake(f"there is no named filter ${term.name}{known}", at)
    refuse_too_large(named[term.name])
    return _resolve(named[term.name], named, resolved, (*path, term.name))


def _place(at: Position | None, path: tuple[str, ...]) -> Position | None:
    """A position in a named filter's text is not taken for one in the text that names it."""
    return at._replace(within=path[-1]) if at and path else at
