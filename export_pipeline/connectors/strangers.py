"""What answers at a store's address, and is no store of its kind: most often a website."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from export_pipeline.errors import PermanentFailure

# What the vendors' clients stumble with over answers that they do not expect, and so do we.
MISREAD = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)

OURS = "export_pipeline."


class Odd(ValueError):
    """A store said something else than stores of its kind do."""


@contextmanager
def taken_from_an_answer() -> Iterator[None]:
    """Where we ourselves read what a store said: whatever is stumbled over there is odd."""
    try:
        yield
    except MISREAD as error:
        raise Odd(type(error).__name__) from error


def a_bug(error: Exception) -> bool:
    """Whether it is a mistake in code of ours, and not over what a client, or we, read in an answer."""
    if isinstance(error, Odd | LookupError):  # answers are looked up in, and nothing else is
        return False
    return _raised_in(error.__traceback__).startswith(OURS)


def no_store(tried: str, address: str, error: Exception, *, unheard: bool = False) -> PermanentFailure:
    """The failure that an answer was none of a store's. `unheard`: it may have been one to what was done."""
    stumbled = error.__cause__ if isinstance(error, Odd) and error.__cause__ else error
    failure = PermanentFailure(
        f"{tried}: what answers at {address} is not a store of this kind; check the address"
        f" ({type(stumbled).__name__})"
    )
    failure.unheard = unheard
    return failure


def _raised_in(trace: TracebackType | None) -> str:
    """The module in which that began."""
    module = ""
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__", ""))
        trace = trace.tb_next
    return module
