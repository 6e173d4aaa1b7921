"""Row 9: what a long stream holds, and how soon it gives its first outcome."""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Callable
from statistics import median

import attrs

from benchmarks.client import FreeLimiter, open_session
from benchmarks.figures import Row, at_most
from benchmarks.memory import resident_bytes
from benchmarks.server import Server
from benchmarks.service import Service
from benchmarks.tally import Tallied, Tally, urls
from benchmarks.worker import fresh

__all__ = ["long_stream"]


@attrs.frozen
class _Growth:
    tallied: Tallied
    bytes_an_image: float


async def _traced(url: str, count: int) -> _Growth:
    """By tracemalloc."""
    tracemalloc.start()
    return await _growth(url, count, _traced_bytes)


async def _resident(url: str, count: int) -> _Growth:
    """By the system."""
    return await _growth(url, count, resident_bytes)


async def _growth(url: str, count: int, look: Callable[[], int]) -> _Growth:
    """What is held after a tenth and after nearly all have been consumed."""
    tally = Tally(count)  # a byte an image, all of it before the first measurement
    early, late = count // 10, count - 5_000  # before the queue begins to drain
    held: list[int] = []
    async with open_session(url, limiter=FreeLimiter()) as ocr:
        seen = 0
        async for outcome in ocr.stream(urls(count)):
            tally.note(outcome)
            seen += 1
            if seen in (early, late):
                held.append(look())
    return _Growth(tally.close(), (held[1] - held[0]) / (late - early))


def _traced_bytes() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


async def _first_outcomes(url: str, counts: tuple[int, int], rounds: int) -> list[list[float]]:
    """Seconds to the first outcome of a source of so many, by turns."""
    seconds: list[list[float]] = [[], []]
    for _ in range(rounds):
        for count, found in zip(counts, seconds, strict=True):
            async with open_session(url, limiter=FreeLimiter()) as ocr:
                start = time.perf_counter()
                stream = ocr.stream(urls(count))
                await anext(stream)
                found.append(time.perf_counter() - start)
                await stream.aclose()
    return seconds


def long_stream(*, quick: bool) -> list[Row]:
    """Row 9: tiny replies and a limiter that never waits, so that a million take half a minute.

    Tracing takes four times as long as the work, so it sees a shorter stream.
    """
    count, traced_count, rounds = (50_000, 20_000, 11) if quick else (1_000_000, 200_000, 31)
    service = Service(requests_per_second=None, seconds=0.0)
    with Server(service) as server:
        traced = fresh(_traced, server.url, traced_count)
        whole = fresh(_resident, server.url, count)
        long, short = fresh(_first_outcomes, server.url, (count, 1000), rounds)
    held = f"held more an image (tracemalloc, {traced_count:,})"
    figures = [
        at_most(held, traced.bytes_an_image, 5, 1, "{:.2f} B"),
        at_most("first outcome ÷ that of 1,000", median(long) / median(short), 2, 1.2, "{:.2f} ×"),
    ]
    if not quick:  # a short stream shows the pages that every process takes at first
        system = at_most("held more an image (system)", whole.bytes_an_image, 5, 1, "{:.2f} B")
        figures.insert(1, system)
    details = {
        "first_outcome_milliseconds": 1000 * median(long),
        "first_outcome_of_1000_milliseconds": 1000 * median(short),
    }
    question = f"stream of {count:,} images, from the first tenth consumed to the end"
    return [Row("9", question, tuple(figures), details, traced.tallied.lost + whole.tallied.lost)]
