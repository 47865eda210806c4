"""Whether a run is still wanted: looked at while it works, so that nobody has to reach its process."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from export_pipeline.pipeline.progress import Cancelled

LOG = logging.getLogger(__name__)

SECONDS_BETWEEN_LOOKS = 1.0  # who cancels a task waits for it; a look is one short query


def always_wanted() -> bool:
    """Nobody can cancel it."""
    return False


@contextmanager
def stopped_when(unwanted: Callable[[], bool], stop: threading.Event) -> Iterator[None]:
    """Set `stop` once the run is `unwanted`, for as long as the block runs. Cancelled: it is from the start.

    A look that fails is no answer: the run goes on.
    """
    if unwanted is always_wanted:
        yield
        return
    if stop.is_set() or unwanted():
        stop.set()
        raise Cancelled
    done = threading.Event()

    def look() -> None:
        while not (done.wait(SECONDS_BETWEEN_LOOKS) or stop.is_set()):
            try:
                if unwanted():
                    stop.set()
            except sa.exc.SQLAlchemyError:
                LOG.warning("could not look whether the run is still wanted", exc_info=True)

    watch = threading.Thread(target=look, name="is the run wanted", daemon=True)
    watch.start()
    try:
        yield
    finally:
        done.set()
        watch.join()
