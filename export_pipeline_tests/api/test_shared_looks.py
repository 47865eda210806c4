"""Who waits for a look, how long, and what a look that hangs costs."""

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from export_pipeline.api.shared_looks import SharedLook


class Gate:
    """What is looked at: shut, it lets nobody see."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.looks = 0

    def look(self) -> int:
        self.looks += 1
        self.open.wait()
        return self.looks


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.open.set()  # no thread is left behind


def test_what_is_found_is_told_and_looked_for_anew_each_time(gate: Gate) -> None:
    gate.open.set()

    async def asked() -> list[int]:
        shared = SharedLook(gate.look, seconds=10)
        return [await shared.found(), await shared.found()]

    assert asyncio.run(asked()) == [1, 2]


def test_what_is_raised_is_raised_for_each_who_waits() -> None:
    def look() -> None:
        raise ValueError("not there")

    async def asked() -> list[BaseException | None]:
        shared = SharedLook(look, seconds=10)
        return [*await asyncio.gather(shared.found(), shared.found(), return_exceptions=True)]

    assert [type(answer) for answer in asyncio.run(asked())] == [ValueError] * 2


def test_however_many_ask_one_looks_and_none_waits_longer(gate: Gate) -> None:
    async def asked() -> list[int | BaseException]:
        shared = SharedLook(gate.look, seconds=0.2)
        first = await asyncio.gather(*(shared.found() for _ in range(50)), return_exceptions=True)
        return [*first, *await asyncio.gather(*(shared.found() for _ in range(50)), return_exceptions=True)]

    began, threads = time.monotonic(), threading.active_count()
    answers = asyncio.run(asked())

    assert [type(answer) for answer in answers] == [TimeoutError] * 100
    assert time.monotonic() - began < 5
    assert (gate.looks, threading.active_count() - threads) == (1, 1)


def test_who_waits_no_longer_takes_nothing_from_the_others(gate: Gate) -> None:
    async def asked() -> list[int]:
        shared = SharedLook(gate.look, seconds=10)
        gone, others = (
            asyncio.create_task(shared.found()),
            [asyncio.create_task(shared.found()) for _ in "ab"],
        )
        await asyncio.sleep(0.05)
        gone.cancel()
        await asyncio.sleep(0.05)
        gate.open.set()
        return [*await asyncio.gather(*others), await shared.found()]

    assert asyncio.run(asked()) == [1, 1, 2]
