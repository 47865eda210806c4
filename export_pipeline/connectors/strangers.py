"""What answers at a store's address, and is no store of its kind: most often a website."""

from export_pipeline.errors import PermanentFailure

# What the vendors' clients stumble with over answers that they do not expect, and so do we.
MISREAD = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


def no_store(tried: str, address: str, error: Exception) -> PermanentFailure:
    """The failure that an answer was none of a store's."""
    return PermanentFailure(
        f"{tried}: what answers at {address} is not a store of this kind; check the address"
        f" ({type(error).__name__})"
    )
