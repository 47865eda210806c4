"""Whose requests wait for whose."""

import gc

import anyio
import pytest
from anyio.lowlevel import checkpoint

from export_pipeline.api import turns
from export_pipeline.api.turns import room, turn
from export_pipeline.errors import TooManyRequests


async def most_at_once(*whose: str, at_once: int) -> int:
    """How many of requests that are made together, each of somebody's, are worked on together."""
    working = most = 0

    async def request(of: str) -> None:
        nonlocal working, most
        async with turn(of, at_once):
            working += 1
            most = max(most, working)
            for _ in range(10):
                await checkpoint()
            working -= 1

    async with anyio.create_task_group() as group:
        for of in whose:
            group.start_soon(request, of)
    return most


@pytest.mark.parametrize(("whose", "most"), [("aaaaa", 2), ("ab", 2), ("aabbc", 5), ("aaabbb", 4)])
def test_so_many_of_each_are_worked_on(whose: str, most: int) -> None:
    async def asked() -> int:
        return await most_at_once(*whose, at_once=2)

    assert anyio.run(asked) == most


def test_a_turn_ends_with_what_went_wrong_in_it() -> None:
    async def asked() -> int:
        with pytest.raises(ValueError, match="wrong"):
            async with turn("a", 1):
                raise ValueError("wrong")
        return await most_at_once("a", "a", at_once=1)

    assert anyio.run(asked) == 1


def test_who_has_too_many_under_way_is_told_to_wait() -> None:
    async def asked() -> None:
        async with room("a", 2), room("a", 2), room("b", 2):
            with pytest.raises(TooManyRequests, match="2 requests of yours are under way") as caught:
                async with room("a", 2):
                    pass
            assert caught.value.wait == 5
        async with room("a", 2), room("a", 2):
            pass

    anyio.run(asked)


def test_nothing_is_kept_of_those_who_are_gone() -> None:
    async def asked() -> int:
        return await most_at_once("a", "b", at_once=1)

    anyio.run(asked)
    gc.collect()
    assert not turns._turns
