"""Rows 1 and 1b: how much of the account's request rate is used, and how much refused."""

from __future__ import annotations

import time
from functools import partial

import attrs

from aliocr.emulator.access.rate_window import WindowKind
from benchmarks.client import counts_of, open_session
from benchmarks.figures import Row, at_least, at_most
from benchmarks.server import Server
from benchmarks.service import REAL_REPLY, Counts, Service
from benchmarks.tally import Tallied, Tally, urls
from benchmarks.worker import fresh, side_by_side

__all__ = ["learnt", "strict"]

JITTER = 0.05
"""Seconds each way, at most."""

FULL_RATE = 1000.0
"""Images per second: 10 requests of 100."""


@attrs.frozen
class _Job:
    """One bulk job.

    Args:
        tallied: Its outcomes.
        seconds: From the start to the last outcome.
        second_half: Seconds from the middle outcome to the last.
        halfway: What the server had counted at the middle outcome.
        counts: At the end.
    """

    tallied: Tallied
    seconds: float
    second_half: float
    halfway: Counts
    counts: Counts


async def _stream(url: str, count: int) -> _Job:
    tally = Tally(count)
    seen = 0
    middle, halfway = 0.0, Counts()
    async with open_session(url) as ocr:
        start = time.perf_counter()
        async for outcome in ocr.stream(urls(count)):
            tally.note(outcome)
            seen += 1
            if seen == count // 2:
                halfway = await counts_of(url)
                middle = time.perf_counter()
        end = time.perf_counter()
    return _Job(tally.close(), end - start, end - middle, halfway, await counts_of(url))


def _served(window: WindowKind, count: int) -> _Job:
    service = Service(window=window, jitter=JITTER, regions=REAL_REPLY)
    with Server(service) as server:
        return fresh(_stream, server.url, count)


def strict(*, quick: bool) -> list[Row]:
    """Row 1: a sliding log, from the first request on, the first answer's latency included."""
    count = 4_000 if quick else 10_000
    job = _served("sliding", count)
    rate = job.tallied.read / job.seconds / FULL_RATE
    question = f"{count:,} images, sliding 10 requests/s, jitter ≤ 50 ms each way, answers in 0.2 s"
    figures = (
        at_most("refused requests", job.counts.refused_request_percent, 0.3, 0, "{:.2f} %"),
        at_most("refused images", job.counts.refused_image_percent, 0.3, 0, "{:.2f} %"),
        at_least("images/s ÷ 1,000", rate, 0.90, 0.93, "{:.3f}"),
    )
    details = {
        "seconds": job.seconds,
        "requests": job.counts.requests,
        "images_failed": job.tallied.failed,
    }
    return [Row("1", question, figures, details, job.tallied.lost)]


def learnt(*, quick: bool) -> list[Row]:
    """Row 1b: the last half of a long job, by when a margin is learnt, on the milder counts."""
    count = 5_000 if quick else 50_000
    rows = []
    windows: tuple[tuple[WindowKind, str, float, float, float], ...] = (
        ("fixed", "fixed second", 0.3, 0.95, 0.98),
        ("bucket", "token bucket", 0.0, 0.98, 0.99),
    )
    jobs = side_by_side({kind: partial(_served, kind, count) for kind, *_ in windows})
    for window, name, refused, reach, beat in windows:
        job = jobs[window]
        late = job.counts.since(job.halfway)
        rate = (count - count // 2) / job.second_half / FULL_RATE
        figures = (
            at_most("refused requests", late.refused_request_percent, refused, refused, "{:.2f} %"),
            at_most("refused images", late.refused_image_percent, refused, refused, "{:.2f} %"),
            at_least("images/s ÷ 1,000", rate, reach, beat, "{:.3f}"),
        )
        details = {
            "first_half_refused_percent": job.halfway.refused_request_percent,
            "seconds": job.seconds,
            "images_failed": job.tallied.failed,
        }
        question = f"{name}: the last half of {count:,} images, jitter as above"
        rows.append(Row("1b", question, figures, details, job.tallied.lost))
    return rows
