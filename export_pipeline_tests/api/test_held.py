"""What is held of all bodies together: counted, bounded, and given back."""

from collections.abc import Iterator

import anyio
import pytest
from fastapi import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Message, Send

from export_pipeline.api.held import UNCOUNTED, Body, Held

LONG = 60.0

START: Message = {"type": "http.response.start", "status": 200}


def piece(size: int, *, whole: bool = False) -> Message:
    return {"type": "http.request", "body": bytes(size), "more_body": not whole}


class Line:
    """What a client sends, and then nothing more."""

    def __init__(self, *pieces: Message) -> None:
        self._pieces: Iterator[Message] = iter(pieces)

    async def receive(self) -> Message:
        for one in self._pieces:
            return one
        await anyio.sleep_forever()
        raise AssertionError


async def taken(_message: Message) -> None:
    """A client that takes its answer."""


async def untaken(_message: Message) -> None:
    """One that does not."""
    await anyio.sleep_forever()


async def received(body: Body, line: Line) -> int:
    """All of a body: its size, or the status with which it is refused."""
    try:
        while (await body.next(line.receive)).get("more_body"):
            pass
    except HTTPException as refused:
        return refused.status_code
    return body.taken


def test_a_small_body_is_taken_however_full_it_is() -> None:
    held = Held(most=10, seconds=LONG)

    async def together() -> list[int]:
        with held.body() as full, held.body() as small:
            sizes = [await received(full, Line(piece(UNCOUNTED + 10, whole=True)))]
            sizes.append(
                await received(small, Line(piece(UNCOUNTED // 2), piece(UNCOUNTED // 2, whole=True)))
            )
            assert held.bytes == 10
        return sizes

    assert anyio.run(together) == [UNCOUNTED + 10, UNCOUNTED]
    assert held.bytes == 0


def test_where_there_is_no_room_the_one_goes_that_began_first_and_has_no_end() -> None:
    """Neither who comes, nor who began earlier and is whole."""
    held = Held(most=25, seconds=LONG)
    ends: dict[str, int] = {}

    async def one(name: str, *pieces: Message) -> None:
        with held.body() as body:
            ends[name] = await received(body, Line(*pieces))
            await anyio.sleep(0.2)

    async def together() -> None:
        async with anyio.create_task_group() as group:
            for name, whole in (("whole", True), ("first", False), ("second", False), ("comes", True)):
                group.start_soon(one, name, piece(UNCOUNTED + 8, whole=whole))
                await anyio.sleep(0.01)
            await anyio.sleep(0.05)
            assert ends == {"whole": UNCOUNTED + 8, "first": 503, "comes": UNCOUNTED + 8}
            assert held.bytes == 24
            group.cancel_scope.cancel()

    anyio.run(together)
    assert held.bytes == 0


def test_where_all_others_are_whole_the_one_that_comes_is_refused() -> None:
    held = Held(most=10, seconds=LONG)

    async def together() -> list[int]:
        with held.body() as before:
            sizes = [await received(before, Line(piece(UNCOUNTED + 9, whole=True)))]
            for whole in (True, False):
                with held.body() as comes:
                    sizes.append(await received(comes, Line(piece(UNCOUNTED + 9, whole=whole))))
                assert held.bytes == 9
        return sizes

    assert anyio.run(together) == [UNCOUNTED + 9, 503, 503]
    assert held.bytes == 0


def test_a_body_that_does_not_end_in_time_is_given_back() -> None:
    held = Held(most=10, seconds=0.1)

    async def alone() -> int:
        with held.body() as body:
            return await received(body, Line(piece(UNCOUNTED + 9)))

    assert anyio.run(alone) == 408
    assert held.bytes == 0


def test_a_body_is_given_back_whatever_ends_its_request() -> None:
    held = Held(most=10, seconds=LONG)

    async def failing() -> None:
        with held.body() as body:
            await received(body, Line(piece(UNCOUNTED + 9, whole=True)))
            raise RuntimeError

    async def cancelled() -> None:
        with anyio.move_on_after(0.05), held.body() as body:
            await received(body, Line(piece(UNCOUNTED + 9)))

    with pytest.raises(RuntimeError):
        anyio.run(failing)
    assert held.bytes == 0
    anyio.run(cancelled)
    assert held.bytes == 0


def test_once_it_is_answered_nothing_of_a_body_is_counted_shed_or_late() -> None:
    """Also where it was waited for before."""
    held = Held(most=10, seconds=0.1)
    got: list[Message] = []

    async def together() -> None:
        with held.body() as body, held.body() as other:
            sending, receiving = anyio.create_memory_object_stream[Message](1)

            async def listening() -> None:
                for _ in range(3):
                    got.append(await body.next(receiving.receive))

            async with sending, receiving, anyio.create_task_group() as group:
                group.start_soon(listening)
                await sending.send(piece(UNCOUNTED + 9))
                await anyio.sleep(0.02)
                await body.answer(taken, START)
                await anyio.sleep(0.2)
                assert await received(other, Line(piece(UNCOUNTED + 9, whole=True))) == 503
                await sending.send(piece(UNCOUNTED + 9))
                await sending.send({"type": "http.disconnect"})
            assert body.taken == UNCOUNTED + 9

    anyio.run(together)
    assert [one["type"] for one in got] == ["http.request", "http.request", "http.disconnect"]
    assert held.bytes == 0


def test_a_body_that_is_thrown_away_is_not_counted_and_has_as_long() -> None:
    """Who sends it may not read an answer before its end."""
    held = Held(most=10, seconds=0.1)

    async def together() -> None:
        with held.body() as body:
            await body.thrown_away(Line(piece(UNCOUNTED + 11), piece(UNCOUNTED + 11, whole=True)).receive)
            assert held.bytes == 0
        with held.body() as body:
            await body.thrown_away(Line(piece(UNCOUNTED)).receive)

    with pytest.raises(HTTPException) as refused:
        anyio.run(together)
    assert refused.value.status_code == 408


def test_before_others_the_one_goes_whose_answer_is_not_taken() -> None:
    held = Held(most=25, seconds=LONG)
    gone: list[str] = []

    async def one(name: str, send: Send) -> None:
        with held.body() as body:
            await received(body, Line(piece(UNCOUNTED + 8, whole=True)))
            try:
                await body.answer(send, START)
            except ClientDisconnect:
                gone.append(name)
            await anyio.sleep(0.2)

    async def together() -> int:
        async with anyio.create_task_group() as group:
            for name, send in (("working", taken), ("first", untaken), ("second", untaken)):
                group.start_soon(one, name, send)
                await anyio.sleep(0.01)
            with held.body() as comes:
                size = await received(comes, Line(piece(UNCOUNTED + 4), piece(4, whole=True)))
                await anyio.sleep(0.01)
            group.cancel_scope.cancel()
        return size

    assert anyio.run(together) == UNCOUNTED + 8
    assert gone == ["first"]
    assert held.bytes == 0
