"""Names with dots as a tree: `a.b` and `a.c` are an `a` that holds a `b` and a `c`."""

from collections.abc import Sequence
from typing import Union

from export_pipeline.errors import InvalidRequest

# Names to columns, by their numbers, or to the names below.
Tree = dict[str, Union[int, "Tree"]]


def tree_of(names: Sequence[str], *, nested: bool) -> Tree:
    """The names as a tree; without `nested` each stands at its root as it is.

    InvalidRequest when one name is both a value and an object.
    """
    tree: Tree = {}
    for column, name in enumerate(names):
        *above, last = name.split(".") if nested else [name]
        place = tree
        for depth, key in enumerate(above):
            below = place.setdefault(key, {})
            if isinstance(below, int):
                raise _conflict(".".join(above[: depth + 1]), name)
            place = below
        if last in place:
            raise _conflict(name, next(other for other in names if other.startswith(f"{name}.")))
        place[last] = column
    return tree


def _conflict(value: str, below: str) -> InvalidRequest:
    return InvalidRequest(
        f"format.nested: {value!r} would be a value because of the column {value!r}, and an object because of"
        f" {below!r}; leave one of the columns out, or nested",
        field="format.nested",
    )
