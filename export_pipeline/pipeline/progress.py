"""How a stage says how far it is, and learns that it should stop."""

from typing import Protocol


class Cancelled(Exception):
    """The run is being stopped; the hour stays undone. No failure of the hour."""


class Progress(Protocol):
    """Called by a stage after each piece of work, from the hour's own thread."""

    def __call__(self, done: int, total: int) -> None:
        """Note that `done` of `total` rows or bytes of the stage are through. Raises Cancelled."""
