"""Row 9: what a long stream holds, and how soon it gives its first outcome."""

from __future__ import annotations

import gc
import time
import tracemalloc
from statistics import median

import attrs

from benchmarks.client import FreeLimiter, open_session
from benchmarks.figures import Row, at_most
from benchmarks.server import Server
from benchmarks.service import Service
from benchmarks.tally import Tallied, Tally, urls
from benchmarks.worker import fresh

__all__ = ["long_stream"]


@attrs.frozen
class _Growth:
    tallied: Tallied
    bytes_an_image: float
    peak_megabytes: float


async def _growth(url: str, count: int) -> _Growth:
    """What Python holds after a tenth and after nearly all have been consumed, by tracemalloc."""
    tally = Tally(count)  # a byte an image, all of it before the first measurement
    early, late = count // 10, count - 5_000  # before the queue begins to drain
    held: dict[int, int] = {}
    tracemalloc.start()
    async with open_session(url, limiter=FreeLimiter()) as ocr:
        seen = 0
        async for outcome in ocr.stream(urls(count)):
            tally.note(outcome)
            seen += 1
            if seen in (early, late):
                gc.collect()
                held[seen], _ = tracemalloc.get_traced_memory()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return _Growth(tally.close(), (held[late] - held[early]) / (late - early), peak / 1e6)


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
    """Row 9: tiny replies and a limiter that never waits, so that a million take minutes."""
    count, rounds = (50_000, 11) if quick else (1_000_000, 31)
    service = Service(requests_per_second=None, seconds=0.0)
    with Server(service) as server:
        growth = fresh(_growth, server.url, count)
    with Server(service) as server:
        long, short = fresh(_first_outcomes, server.url, (count, 1000), rounds)
    figures = (
        at_most("held more an image (tracemalloc)", growth.bytes_an_image, 5, 1, "{:.2f} B"),
        at_most("first outcome ÷ that of 1,000", median(long) / median(short), 2, 1.2, "{:.2f} ×"),
    )
    details = {
        "peak_megabytes": growth.peak_megabytes,
        "first_outcome_milliseconds": 1000 * median(long),
        "first_outcome_of_1000_milliseconds": 1000 * median(short),
    }
    question = f"stream of {count:,} images, from the first tenth consumed to the end"
    return [Row("9", question, figures, details, growth.tallied.lost)]
