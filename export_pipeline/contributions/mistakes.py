"""What is wrong with something that was sent to us, told of each part of it."""

from collections.abc import Iterable
from dataclasses import dataclass

from export_pipeline.errors import InvalidRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """`name` is dotted; `index` is the record's, where several were sent."""

    name: str
    reason: str
    index: int | None = None

    def __str__(self) -> str:
        where = self.name if self.index is None else f"{self.name} ({self.index})"
        return f"{where}: {self.reason}"


class Rejected(InvalidRequest):
    """All of what was sent is refused; `mistakes` is each thing that is wrong with it."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("; ".join(map(str, self.mistakes)))


def reject(mistakes: Iterable[Mistake]) -> None:
    """Rejected, if there is a mistake."""
    if found := tuple(mistakes):
        raise Rejected(found)
