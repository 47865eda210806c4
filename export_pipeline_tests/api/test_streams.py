"""Whoever downloads keeps nobody from being answered."""

import threading
from collections.abc import Iterator

import anyio
import pytest
from anyio import to_thread

from export_pipeline.api.streams import PIECES_AT_ONCE, begun, sent

# More than there are threads for requests.
DOWNLOADS = 60

SECONDS_FOR_THE_OTHERS = 60


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.anyio
async def test_pieces_come_in_order_and_to_the_end() -> None:
    assert [piece async for piece in sent(iter([b"a", b"", b"b"]))] == [b"a", b"b"]
    assert [piece async for piece in sent(iter([]))] == []


@pytest.mark.anyio
@pytest.mark.parametrize("at", ["the beginning", "a piece"])
async def test_others_have_threads_while_every_download_waits_for_its_store(at: str) -> None:
    answers = threading.Event()
    asked = threading.Semaphore(0)

    def waits() -> bytes:
        asked.release()
        answers.wait()
        return b"at last"

    def stored() -> Iterator[bytes]:
        if at == "the beginning":
            return iter([waits()])
        return (waits() for _ in range(1))

    got: list[bytes] = []

    async def download() -> None:
        got.extend([piece async for piece in sent(await begun(stored))])

    try:
        async with anyio.create_task_group() as downloads:
            for _ in range(DOWNLOADS):
                downloads.start_soon(download)
            try:
                with anyio.fail_after(SECONDS_FOR_THE_OTHERS):
                    for _ in range(PIECES_AT_ONCE):
                        await to_thread.run_sync(asked.acquire)
            finally:
                answers.set()
    finally:
        answers.set()

    assert got == [b"at last"] * DOWNLOADS
