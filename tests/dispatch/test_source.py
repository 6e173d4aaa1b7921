"""A source is read in turns with everything else on the event loop."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Self

import pytest

from aliocr import Session
from aliocr.dispatch.source import SLICE, values_of
from aliocr.emulator import Emulator

COUNT = 8


class _Others:
    """Other work on the loop, which counts its rounds."""

    def __init__(self) -> None:
        self.rounds = 0
        self._task = asyncio.create_task(self._work())

    async def _work(self) -> None:
        while True:
            self.rounds += 1
            await asyncio.sleep(0)

    async def __aenter__(self) -> Self:
        await asyncio.sleep(0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])


def _slow(others: _Others, seen: list[int]) -> Iterator[str]:
    for number in range(COUNT):
        seen.append(others.rounds)
        time.sleep(1.1 * SLICE)
        yield f"https://example.com/{number}.png"


async def _slow_without_await(others: _Others, seen: list[int]) -> AsyncIterator[str]:
    for url in _slow(others, seen):
        yield url


@pytest.mark.parametrize("source", [_slow, _slow_without_await])
async def test_a_slow_stream_leaves_the_loop_free(
    ocr: Session, source: Callable[[_Others, list[int]], Iterator[str]]
) -> None:
    """After each value that took long, all other work of the loop has its turn."""
    seen: list[int] = []
    async with _Others() as others:
        assert len([outcome async for outcome in ocr.stream(source(others, seen))]) == COUNT
    assert len(set(seen)) == COUNT


async def test_a_slow_list_leaves_the_loop_free(ocr: Session, emulator: Emulator) -> None:
    """`scan_many` of a generator: all are still checked before the first is sent."""
    seen: list[int] = []
    async with _Others() as others:
        outcomes = await ocr.scan_many(_slow(others, seen))
    assert [outcome.ok for outcome in outcomes] == [True] * COUNT
    assert len(set(seen)) == COUNT
    assert [len(call.tasks) for call in emulator.calls] == [COUNT]


async def test_a_quick_source_is_read_in_few_turns() -> None:
    """A hundred thousand values: a turn for each slice of time, and not for each value."""
    async with _Others() as others:
        began, before = time.monotonic(), others.rounds
        assert [value async for value in values_of(["a"] * 100_000)] == ["a"] * 100_000
        assert others.rounds - before <= (time.monotonic() - began) / SLICE + 1


async def test_an_asynchronous_source_is_for_a_stream(ocr: Session, emulator: Emulator) -> None:
    """`scan_many` says what to use instead."""

    async def source() -> AsyncIterator[str]:
        yield "https://example.com/a.png"

    with pytest.raises(ValueError, match=r"not <async_generator .*use stream\(\)"):
        await ocr.scan_many(source())  # type: ignore[arg-type]
    assert emulator.calls == []


async def test_a_generator_of_a_list_is_closed(ocr: Session, emulator: Emulator) -> None:
    """If one of its images cannot be sent, too."""
    closed: list[str] = []

    def source() -> Iterator[str]:
        try:
            yield "https://example.com/a.png"
            yield "receipt.png"
        finally:
            closed.append("closed")

    generator = source()
    with pytest.raises(ValueError, match="image 1: url must start"):
        await ocr.scan_many(generator)
    assert closed == ["closed"]
    assert emulator.calls == []


async def test_a_list_that_changes_is_read_as_it_was(
    ocr: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other work has its turns while a list is read, and may change the list."""
    monkeypatch.setattr("aliocr.dispatch.source.SLICE", 0)
    urls = [f"https://example.com/{number}.png" for number in range(COUNT)]
    asyncio.get_running_loop().call_soon(urls.clear)
    assert len(await ocr.scan_many(urls)) == COUNT
    assert urls == []
