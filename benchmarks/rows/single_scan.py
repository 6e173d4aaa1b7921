"""Row 7: CPU time of a single scan, compared with an image of a stream."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from statistics import median
from typing import TypeAlias

import attrs

from aliocr import Session
from benchmarks.client import FreeLimiter, open_session, read_counts, scan_to_outcome
from benchmarks.figures import Row, at_most
from benchmarks.server import Server
from benchmarks.service import REAL_REPLY, Service
from benchmarks.tally import Tally, Totals, url_of
from benchmarks.worker import run_fresh

WARM_UP = 1000
"""Number of images that are read before the measurement starts."""

WAVE = 1000
"""Number of concurrent single scans."""

Reader: TypeAlias = Callable[[Session, range, Tally], Awaitable[None]]
"""Function that reads the images with the numbers of a range."""


@attrs.frozen
class _ReadCost:
    """Totals; CPU seconds of the whole process per image; mean number of images per request."""

    totals: Totals
    seconds: float
    images_per_request: float


async def _measured(url: str, count: int, read: Reader) -> _ReadCost:
    """Measure the cost of reading `count` images after the warm-up."""
    tally = Tally(WARM_UP + count)
    async with open_session(url, limiter=FreeLimiter()) as ocr:
        await read(ocr, range(WARM_UP), tally)
        before, start = await read_counts(url), time.process_time()
        await read(ocr, range(WARM_UP, WARM_UP + count), tally)
        spent = time.process_time() - start
        requests = (await read_counts(url)).since(before).requests
    return _ReadCost(tally.totals(), spent / count, count / requests)


async def _singles(url: str, count: int) -> _ReadCost:
    async def read(ocr: Session, numbers: range, tally: Tally) -> None:
        for first in range(numbers.start, numbers.stop, WAVE):
            wave = range(first, min(first + WAVE, numbers.stop))
            scans = (scan_to_outcome(ocr, url_of(number)) for number in wave)
            for outcome in await asyncio.gather(*scans):
                tally.note(outcome)

    return await _measured(url, count, read)


async def _bulk(url: str, count: int) -> _ReadCost:
    async def read(ocr: Session, numbers: range, tally: Tally) -> None:
        async for outcome in ocr.stream(map(url_of, numbers)):
            tally.note(outcome)

    return await _measured(url, count, read)


def measure_single_scan(*, quick: bool) -> list[Row]:
    """Measure row 7: both variants in turn, in fresh processes; the figure is the median ratio."""
    count, rounds = (5_000, 3) if quick else (20_000, 5)
    service = Service(requests_per_second=None, seconds=0.0, regions=REAL_REPLY)
    pairs = []
    for _ in range(rounds):
        with Server(service) as server:
            pairs.append(
                (run_fresh(_singles, server.url, count), run_fresh(_bulk, server.url, count))
            )
    relative = [singles.seconds / bulk.seconds for singles, bulk in pairs]
    details = {
        "single_microseconds": 1e6 * median(singles.seconds for singles, _ in pairs),
        "bulk_microseconds": 1e6 * median(bulk.seconds for _, bulk in pairs),
        "single_images_per_request": median(singles.images_per_request for singles, _ in pairs),
        "bulk_images_per_request": median(bulk.images_per_request for _, bulk in pairs),
    }
    question = f"CPU of a single scan, {WAVE:,} at once, ÷ CPU of a streamed image, real replies"
    lost = sum(cost.totals.lost for pair in pairs for cost in pair)
    return [Row("7", question, (at_most("ratio", relative, 1.5, 1.2),), details, lost)]
