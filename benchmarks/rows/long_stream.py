"""Row 9: memory of a long stream, and time to the first outcome of the stream."""

from __future__ import annotations

import time
import tracemalloc
from statistics import median

import attrs

from benchmarks.client import FreeLimiter, open_session
from benchmarks.figures import Row, at_most
from benchmarks.memory import resident_bytes, traced_bytes
from benchmarks.server import Server
from benchmarks.service import Service
from benchmarks.tally import Tally, Totals, urls
from benchmarks.worker import run_fresh


@attrs.frozen
class _Growth:
    totals: Totals
    bytes_an_image: float


async def _growth(url: str, count: int, *, traced: bool) -> _Growth:
    """Measure the memory after a tenth of the outcomes, and again after nearly all outcomes.

    Args:
        url: URL of the server.
        count: Number of images of the stream.
        traced: True to measure by tracemalloc; False for resident memory.
    """
    if traced:
        tracemalloc.start()
    tally = Tally(count)  # one byte per image, allocated before the first measurement
    early, late = count // 10, count - 5_000  # before the queue drains
    held: list[int] = []
    async with open_session(url, limiter=FreeLimiter()) as ocr:
        consumed = 0
        async for outcome in ocr.stream(urls(count)):
            tally.note(outcome)
            consumed += 1
            if consumed in (early, late):
                held.append(traced_bytes() if traced else resident_bytes())
    return _Growth(tally.totals(), (held[1] - held[0]) / (late - early))


async def _first_outcomes(url: str, counts: tuple[int, int], rounds: int) -> list[list[float]]:
    """Measure the seconds to the first outcome, for sources of both sizes in turn."""
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


def measure_long_stream(*, quick: bool) -> list[Row]:
    """Measure row 9, with tiny replies and a limiter that never waits.

    A million images take half a minute. The traced stream is shorter, because tracing takes four
    times as long as the work.
    """
    count, traced_count, rounds = (50_000, 20_000, 11) if quick else (1_000_000, 200_000, 31)
    service = Service(requests_per_second=None, seconds=0.0)
    with Server(service) as server:
        traced = run_fresh(_growth, server.url, traced_count, traced=True)
        whole = run_fresh(_growth, server.url, count, traced=False)
        long, short = run_fresh(_first_outcomes, server.url, (count, 1000), rounds)
    held = f"held more an image (tracemalloc, {traced_count:,})"
    figures = [
        at_most(held, traced.bytes_an_image, 5, 1, "{:.2f} B"),
        at_most("first outcome ÷ that of 1,000", median(long) / median(short), 2, 1.2, "{:.2f} ×"),
    ]
    if not quick:  # because in a short stream, the memory of a new process dominates
        system = at_most("held more an image (system)", whole.bytes_an_image, 5, 1, "{:.2f} B")
        figures.insert(1, system)
    details = {
        "first_outcome_milliseconds": 1000 * median(long),
        "first_outcome_of_1000_milliseconds": 1000 * median(short),
    }
    question = f"stream of {count:,} images, from the first tenth consumed to the end"
    return [Row("9", question, tuple(figures), details, traced.totals.lost + whole.totals.lost)]
