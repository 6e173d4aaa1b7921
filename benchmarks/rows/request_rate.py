"""Rows 1 and 1b: used share of the request rate of the account, and refused requests.

A job with real sockets has 100 or 500 requests, so that a single refusal is a large figure. Each
row is measured on a model in virtual time, too, with tens of thousands of requests.
"""

from __future__ import annotations

import time
from functools import partial

import attrs

from aliocr.emulator.access.rate_window import WindowKind
from aliocr.limits import REQUESTS_PER_SECOND
from benchmarks.client import open_session, read_counts
from benchmarks.figures import Row, at_least, at_most
from benchmarks.rates.cases import FULL_RATE, LENGTH
from benchmarks.rates.model import Character, World
from benchmarks.server import Server
from benchmarks.service import REAL_REPLY, Counts, Service
from benchmarks.tally import Tally, Totals, urls
from benchmarks.worker import measure_concurrently, run_fresh

JITTER = 0.05
"""Maximum network delay in each direction, in seconds."""

LEARNT = 120.0
"""Time after which the margin is learnt in virtual time, in seconds."""


@attrs.frozen
class _RateJob:
    """One bulk job.

    Args:
        totals: Counts of outcomes.
        seconds: Time from the start to the last outcome, in seconds.
        second_half: Time from the middle outcome to the last outcome, in seconds.
        halfway: Counts of the server at the middle outcome.
        counts: Counts of the server at the end.
    """

    totals: Totals
    seconds: float
    second_half: float
    halfway: Counts
    counts: Counts


async def _stream(url: str, count: int) -> _RateJob:
    tally = Tally(count)
    consumed = 0
    middle, halfway = 0.0, Counts()
    async with open_session(url) as ocr:
        start = time.perf_counter()
        async for outcome in ocr.stream(urls(count)):
            tally.note(outcome)
            consumed += 1
            if consumed == count // 2:
                halfway = await read_counts(url)
                middle = time.perf_counter()
        end = time.perf_counter()
    return _RateJob(tally.totals(), end - start, end - middle, halfway, await read_counts(url))


def _served(window: WindowKind, count: int) -> _RateJob:
    service = Service(window=window, jitter=JITTER, regions=REAL_REPLY)
    with Server(service) as server:
        return run_fresh(_stream, server.url, count)


def measure_sliding_log(*, quick: bool) -> list[Row]:
    """Measure row 1: a server with a sliding log, from the first request to the last answer."""
    count = 4_000 if quick else 10_000
    job = _served("sliding", count)
    rate = job.totals.read / job.seconds / FULL_RATE
    question = f"{count:,} images, sliding 10 requests/s, jitter ≤ 50 ms each way, answers in 0.2 s"
    figures = (
        at_most("refused requests", job.counts.refused_request_percent, 0.3, 0, "{:.2f} %"),
        at_most("refused images", job.counts.refused_image_percent, 0.3, 0, "{:.2f} %"),
        at_least("images/s ÷ 1,000", rate, 0.90, 0.93, "{:.3f}"),
    )
    details = {
        "seconds": job.seconds,
        "requests": job.counts.requests,
        "images_failed": job.totals.failed,
    }
    return [
        Row("1", question, figures, details, job.totals.lost),
        _virtual_row("1", "sliding", 0.0, ((0.3, 0), (0.90, 0.93)), quick=quick),
    ]


def _virtual_row(
    number: str,
    window: WindowKind,
    start: float,
    targets: tuple[tuple[float, float], tuple[float, float]],
    *,
    quick: bool,
) -> Row:
    """Measure one window on the model, from `start` seconds after the first request.

    Args:
        number: Number of the row.
        window: How the service counts.
        start: When counting starts, in seconds.
        targets: Both targets of the refused requests in %, and both of the share of the rate.
        quick: Whether few worlds are enough.
    """
    seeds, end = range(2 if quick else 20), start + LENGTH
    counts = []
    for seed in seeds:
        world = World(Character(window=window, jitter=JITTER, answers=(0.2, 0.2)), seed)
        client = world.add_client()
        world.run_until(end)
        counts.append(client.count(start, end))
    requests = sum(count.requests for count in counts)
    refused = 100 * sum(count.throttled for count in counts) / requests
    share = sum(count.requests_per_second for count in counts) / len(seeds) / REQUESTS_PER_SECOND
    since = f", from {start:.0f} s after the start" if start else ""
    question = (
        f"{window} in virtual time: {len(seeds)} times {LENGTH:.0f} s{since}, jitter as above"
    )
    figures = (
        at_most("refused requests", refused, *targets[0], "{:.2f} %"),
        at_least("requests/s ÷ 10", share, *targets[1], "{:.3f}"),
    )
    return Row(number, question, figures, {"requests": requests})


def measure_milder_counts(*, quick: bool) -> list[Row]:
    """Measure row 1b: servers that count less strictly than a sliding log.

    Only the last half of a long job counts, because in the first half the client learns its margin.
    """
    count = 5_000 if quick else 50_000
    rows = []
    windows: tuple[tuple[WindowKind, str, float, float, float], ...] = (
        ("fixed", "fixed second", 0.3, 0.95, 0.98),
        ("bucket", "token bucket", 0.0, 0.98, 0.99),
    )
    jobs = measure_concurrently({kind: partial(_served, kind, count) for kind, *_ in windows})
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
            "images_failed": job.totals.failed,
        }
        question = f"{name}: the last half of {count:,} images, jitter as above"
        rows.append(Row("1b", question, figures, details, job.totals.lost))
        targets = ((refused, refused), (reach, beat))
        rows.append(_virtual_row("1b", window, LEARNT, targets, quick=quick))
    return rows
