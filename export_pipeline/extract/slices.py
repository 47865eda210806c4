"""An hour of wide rows, cut along its order into slices that are sorted and read one after the other.

DuckDB sorts many narrow rows on disk, but holds the texts of wide ones in memory.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from export_pipeline.extract.query import order_of

# A row is wide from here on: 2,048 of them, of which DuckDB holds several, are 2 MB.
WIDE_ROW = 1_000

# What wide rows of an hour may come to before it is cut.
MOST_IN_WIDE_ROWS = 16_000_000

# A quarter of what DuckDB may use then, since it reads, sorts and hands over at once. Each slice reads the
# hour again: with less they would be many.
BYTES_PER_SLICE = 128_000_000


@dataclass(frozen=True, slots=True)
class Slices:
    """The slices of a select of `rows_of_hour`, by a temporary table of its rows' keys.

    Rows with equal keys are in one slice. `weights` say how many bytes a row's long values have.
    """

    rows: sa.Select[Any]
    weights: Sequence[sa.ColumnElement[Any]]
    name: str

    def heaviness(self) -> sa.Select[Any]:
        """How many bytes the wide rows have."""
        weight = self._weight()
        wide = sa.case((weight > sa.literal_column(str(WIDE_ROW)), weight), else_=sa.literal_column("0"))
        return self.rows.order_by(None).with_only_columns(
            sa.func.coalesce(sa.func.sum(wide), sa.literal_column("0"))
        )

    def keys(self) -> sa.Select[Any]:
        """What the temporary table is made of."""
        keys = [key.label(name) for key, name in zip(order_of(self.rows), self._names(), strict=True)]
        hour = (
            self.rows.order_by(None).with_only_columns(*keys, self._weight().label("weight")).subquery("hour")
        )
        named = [hour.c[name] for name in self._names()]
        # The sum up to a row is also that of the rows whose keys are equal.
        before = sa.func.sum(hour.c.weight).over(order_by=named)
        size: sa.ColumnElement[Any] = sa.literal_column(str(BYTES_PER_SLICE))
        return sa.select(sa.cast(sa.func.floor(before / size), sa.BigInteger()).label("slice"), *named)

    def numbers(self) -> sa.Select[Any]:
        """The slices that there are, in order."""
        number = self._table().c.slice
        return sa.select(number).distinct().order_by(number)

    def slice(self, number: int) -> sa.Select[Any]:
        """The rows of one slice, in order.

        Compared as a row, in which NULL equals NULL. For a condition on each key DuckDB would hold the whole
        hour in memory.
        """
        table = self._table()
        chosen = table.c.slice == sa.literal_column(str(number))
        keys = sa.select(_row(table.c[name] for name in self._names())).where(chosen)
        return self.rows.where(_row(order_of(self.rows)).in_(keys))

    def _weight(self) -> sa.ColumnElement[Any]:
        zero: sa.ColumnElement[Any] = sa.literal_column("0")
        return sum((sa.func.coalesce(weight, sa.literal_column("0")) for weight in self.weights), zero)

    def _names(self) -> list[str]:
        return [f"key_{number}" for number, _ in enumerate(order_of(self.rows))]

    def _table(self) -> sa.TableClause:
        return sa.table(self.name, sa.column("slice"), *map(sa.column, self._names()))


def _row(keys: Iterable[sa.ColumnElement[Any]]) -> sa.ColumnElement[Any]:
    # One more than there are: DuckDB takes a row of a single value for the value.
    return sa.func.row(*keys, sa.literal_column("0"))
