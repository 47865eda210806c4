"""What a filter means, said in Python. `sql` says the same to databases; a test holds one against the other.

A filter holds for a row or it does not; there is no third answer:

- a row without a value (null) in the column satisfies no condition but `IS NULL` and the negative ones:
  `city != 'Paris'` keeps the rows without a city, and so do `!~`, `!@`, `NOT_IN` and `NOT (city == 'Paris')`.
  So a filter and its NOT divide the rows in two, and excluding something never loses rows that lack it;
- a floating-point NaN is like null in comparisons: neither above nor below any number, and equal to none;
- text is compared by code points, case-sensitively, except by `=~` and `=@` (see `folding`).
"""

import operator
from collections.abc import Callable, Mapping
from typing import Any, assert_never

from export_pipeline.filters.folding import fold
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
    Operator,
)

COMPARE: Mapping[Operator, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def holds(filter_: Filter, row: Mapping[str, object]) -> bool:
    """Whether the row passes a checked filter. A row has a value or None for each column, by API name."""
    match filter_:
        case Comparison(column, comparison, value):
            if row[column] is None:
                return comparison == "!="
            return COMPARE[comparison](row[column], value)
        case CaseInsensitive(column, value):
            text = row[column]
            return isinstance(text, str) and fold(text) == fold(value)
        case Contains(column, value):
            text = row[column]
            return isinstance(text, str) and fold(value) in fold(text)
        case OneOf(column, values):
            return row[column] in values
        case IsNull(column):
            return row[column] is None
        case AllOf(parts):
            return all(holds(part, row) for part in parts)
        case AnyOf(parts):
            return any(holds(part, row) for part in parts)
        case Not(part):
            return not holds(part, row)
        case Named(name):
            raise ValueError(f"${name} means nothing by itself: resolve the filter first")
        case _:
            assert_never(filter_)
