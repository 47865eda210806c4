"""What a piece of work costs: CPU seconds, wall seconds, and how far its process grew beyond its imports."""

import os
import resource
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

SECONDS_BETWEEN_SAMPLES = 0.02


@dataclass
class Cost:
    """Filled in when the work is done. `grown_mb` is peak RSS minus RSS at the start."""

    cpu: float = 0.0
    wall: float = 0.0
    grown_mb: float = 0.0


@contextmanager
def measured() -> Iterator[Cost]:
    """The cost of the block, this process's threads included. Mapped staging files count as memory too."""
    cost = Cost()
    process = psutil.Process(os.getpid())
    before = peak = process.memory_info().rss
    done = threading.Event()

    def sample() -> None:
        nonlocal peak
        while not done.wait(SECONDS_BETWEEN_SAMPLES):
            peak = max(peak, process.memory_info().rss)

    sampler = threading.Thread(target=sample, daemon=True)
    sampler.start()
    wall, usage = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    try:
        yield cost
    finally:
        after = resource.getrusage(resource.RUSAGE_SELF)
        cost.wall = time.perf_counter() - wall
        cost.cpu = after.ru_utime + after.ru_stime - usage.ru_utime - usage.ru_stime
        done.set()
        sampler.join()
        cost.grown_mb = (max(peak, process.memory_info().rss) - before) / 1e6
