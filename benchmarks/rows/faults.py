"""Rows 13 and 14: effect of a failing image on the other images, and on the account."""

from __future__ import annotations

import attrs

from benchmarks.client import open_session, read_counts
from benchmarks.figures import Row, at_most
from benchmarks.server import Server
from benchmarks.service import Counts, Service
from benchmarks.tally import Tally, Totals, url_of, urls
from benchmarks.worker import run_fresh

POISON = 37
"""Number of the image, among a hundred images, whose request the server never answers."""

TIMEOUT = 0.5
"""Timeout of the client for an answer, in seconds."""


@attrs.frozen
class _FaultyJob:
    totals: Totals
    counts: Counts
    neighbours_lost: int = 0


async def _poisoned(url: str) -> _FaultyJob:
    tally = Tally(100)
    async with open_session(url, timeout=TIMEOUT) as ocr:
        outcomes = await ocr.scan_many(urls(100))
    for outcome in outcomes:
        tally.note(outcome)
    culprit = url_of(POISON)
    lost = sum(not outcome.ok and outcome.image.url != culprit for outcome in outcomes)
    return _FaultyJob(tally.totals(), await read_counts(url), lost)


def measure_hanging_image(*, quick: bool) -> list[Row]:
    """Measure row 13: the server never answers a request that contains one certain image."""
    jobs = []
    for _ in range(1 if quick else 3):
        with Server(Service(seconds=0.05, poison=url_of(POISON))) as server:
            jobs.append(run_fresh(_poisoned, server.url))
    extra = max(job.counts.requests - 1 for job in jobs)
    figures = (
        at_most("neighbours lost", max(job.neighbours_lost for job in jobs), 0, 0, "{:.0f}"),
        at_most("extra requests", extra, 14, 8, "{:.0f}"),
    )
    question = f"one image of 100 always times out (after {TIMEOUT} s); the worst of {len(jobs)}"
    details = {
        "images_sent": max(job.counts.images for job in jobs),
        "refused_requests": max(job.counts.refused_requests for job in jobs),
    }
    return [Row("13", question, figures, details, sum(job.totals.lost for job in jobs))]


async def _downloads(url: str, count: int) -> _FaultyJob:
    tally = Tally(count)
    async with open_session(url) as ocr:
        async for outcome in ocr.stream(urls(count)):
            tally.note(outcome)
    return _FaultyJob(tally.totals(), await read_counts(url))


def measure_failed_downloads(*, quick: bool) -> list[Row]:
    """Measure row 14, without a request rate, so that only failed images are sent again."""
    count, share = (1_000 if quick else 10_000), 0.05
    service = Service(requests_per_second=None, failing_share=share, failing_code=592)
    with Server(service) as server:
        job = run_fresh(_downloads, server.url, count)
    ratio = (job.counts.images - count) / max(1, job.counts.failed_images)
    question = f"images sent again ÷ images that failed: {share:.0%} of {count:,}, once each, 592"
    details = {
        "failed_at_the_service": job.counts.failed_images,
        "images_failed": job.totals.failed,
        "requests": job.counts.requests,
    }
    return [Row("14", question, (at_most("ratio", ratio, 1.05, 1.0),), details, job.totals.lost)]
