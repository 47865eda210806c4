"""Named filters: `$NAME` stands for a filter stored under that name."""

from collections.abc import Mapping
from dataclasses import replace
from typing import assert_never

from export_pipeline.dataset.tables import suggestion
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
)


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
            # A position in a named filter's text would be taken for one in the text that names it.
            result = replace(filter_, at=None) if path else filter_
        case _:
            assert_never(filter_)
    refuse_too_large(result)
    return result


def _stands_for(
    term: Named, named: Mapping[str, Filter], resolved: dict[str, Filter], path: tuple[str, ...]
) -> Filter:
    at = None if path else term.at
    within = f"${path[-1]}: " if path else ""
    if term.name in path:
        circle = " -> ".join(f"${name}" for name in (*path[path.index(term.name) :], term.name))
        raise mistake(f"named filters stand for one another in a circle: {circle}", at)
    if len(path) == MAX_DEPTH:
        raise too_large(f"names filters inside filters more than {MAX_DEPTH} deep")
    if term.name not in named:
        known = suggestion(term.name, list(named)) if named else ""
        raise mistake(f"{within}there is no named filter ${term.name}{known}", at)
    refuse_too_large(named[term.name])
    return _resolve(named[term.name], named, resolved, (*path, term.name))
