"""Row 7: what a single scan costs the processor, beside an image of a stream."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from statistics import median
from typing import TypeAlias

import attrs

from aliocr import Outcome, Session
from benchmarks.client import FreeLimiter, counts_of, open_session, scanned
from benchmarks.figures import Row, at_most
from benchmarks.server import Server
from benchmarks.service import REAL_REPLY, Service
from benchmarks.tally import Tallied, Tally, url_of
from benchmarks.worker import fresh

__all__ = ["single_scans"]

WARM_UP = 1000
"""Images read before the processor's time is taken."""

WAVE = 1000
"""Single scans at once."""


Reader: TypeAlias = Callable[[Session, range, Tally], Awaitable[None]]
"""Reads the images of some numbers."""


@attrs.frozen
class _Cost:
    """Args: CPU seconds of the whole process an image; images a request."""

    tallied: Tallied
    seconds: float
    batch_limit: float


async def _measured(url: str, count: int, read: Reader) -> _Cost:
    """What so many images cost, once as many as warm up have been read."""
    tally = Tally(WARM_UP + count)
    async with open_session(url, limiter=FreeLimiter()) as ocr:
        await read(ocr, range(WARM_UP), tally)
        before, start = await counts_of(url), time.process_time()
        await read(ocr, range(WARM_UP, WARM_UP + count), tally)
        spent = time.process_time() - start
        requests = (await counts_of(url)).since(before).requests
    return _Cost(tally.close(), spent / count, count / requests)


async def _singles(url: str, count: int) -> _Cost:
    async def read(ocr: Session, numbers: range, tally: Tally) -> None:
        for first in range(numbers.start, numbers.stop, WAVE):
            wave = range(first, min(first + WAVE, numbers.stop))
            _note(tally, await asyncio.gather(*(scanned(ocr, url_of(number)) for number in wave)))

    return await _measured(url, count, read)


async def _bulk(url: str, count: int) -> _Cost:
    async def read(ocr: Session, numbers: range, tally: Tally) -> None:
        async for outcome in ocr.stream(map(url_of, numbers)):
            tally.note(outcome)

    return await _measured(url, count, read)


def _note(tally: Tally, outcomes: Iterable[Outcome]) -> None:
    for outcome in outcomes:
        tally.note(outcome)


def single_scans(*, quick: bool) -> list[Row]:
    """Row 7: a fresh process a variant, variants by turns, the median of the rounds' ratios."""
    count, rounds = (5_000, 3) if quick else (20_000, 5)
    service = Service(requests_per_second=None, seconds=0.0, regions=REAL_REPLY)
    pairs = []
    for _ in range(rounds):
        with Server(service) as server:
            pairs.append((fresh(_singles, server.url, count), fresh(_bulk, server.url, count)))
    relative = [singles.seconds / bulk.seconds for singles, bulk in pairs]
    details = {
        "single_microseconds": 1e6 * median(singles.seconds for singles, _ in pairs),
        "bulk_microseconds": 1e6 * median(bulk.seconds for _, bulk in pairs),
        "single_images_per_request": median(singles.batch_limit for singles, _ in pairs),
        "bulk_images_per_request": median(bulk.batch_limit for _, bulk in pairs),
    }
    question = f"CPU of a single scan, {WAVE:,} at once, ÷ CPU of a streamed image, real replies"
    lost = sum(cost.tallied.lost for pair in pairs for cost in pair)
    return [Row("7", question, (at_most("ratio", relative, 1.5, 1.2),), details, lost)]
