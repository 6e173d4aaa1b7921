"""Measure a scenario: the image quota of an account is raised twice while one stream runs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import attrs

from benchmarks.client import open_session, read_counts, urls_until
from benchmarks.control import ControlClient
from benchmarks.server import Server
from benchmarks.service import Counts, Quotas, Service
from benchmarks.tally import Tally, Totals
from benchmarks.worker import run_fresh

LIMITS = (10.0, 50.0, 1000.0)
"""Image quota of each phase, in images per second."""

SETTLING = 5.0
"""Time at the start of each phase, in seconds, that the mean values do not include."""

SHARE = 0.85
"""Share of the new limit. The limit counts as reached if this share is read within one second."""


@attrs.frozen(kw_only=True)
class Phase:
    """Figures of one phase, in which one limit holds.

    Args:
        limit: Image quota, in images per second.
        seconds_to_reach: Time from the change of the limit to the end of the first second in which
            85 % of the limit was read; None if this never happened.
        refused_percent: Percentage of images that were refused after the first seconds.
        used: Images read per second after the first seconds, divided by the limit.
    """

    limit: float
    seconds_to_reach: float | None
    refused_percent: float
    used: float


@attrs.frozen
class Scenario:
    """Figures of the whole scenario.

    Args:
        phases: The phases, in order.
        most_outstanding: Maximum number of images at one time that were taken from the source and
            had no outcome yet.
        failed: Number of images with a failure.
        lost: Number of images without an outcome, and of surplus outcomes.
    """

    phases: tuple[Phase, ...]
    most_outstanding: int
    failed: int
    lost: int


@attrs.frozen
class _Observed:
    start: float
    settled: float
    end: float
    counts: Counts


@attrs.frozen
class _QuotaRun:
    totals: Totals
    observed: tuple[_Observed, ...]
    moments: list[float]
    most_outstanding: int


async def _stream(url: str, seconds: float) -> _QuotaRun:
    tally = Tally(0)
    moments = []
    outstanding = 0
    end = time.monotonic() + seconds * len(LIMITS)
    watcher = asyncio.create_task(_raise_limits(url, seconds))
    async with open_session(url) as ocr:
        async for outcome in ocr.stream(urls_until(end, tally)):
            outstanding = max(outstanding, tally.outstanding)
            tally.note(outcome)
            if outcome.ok:
                moments.append(time.monotonic())
    return _QuotaRun(tally.totals(), await watcher, moments, outstanding)


async def _raise_limits(url: str, seconds: float) -> tuple[_Observed, ...]:
    observed: list[_Observed] = []
    for limit in LIMITS:
        if observed:
            await asyncio.to_thread(ControlClient(url).change, Quotas(images_per_second=limit))
        start = time.monotonic()
        await asyncio.sleep(SETTLING)
        settled, before = time.monotonic(), await read_counts(url)
        await asyncio.sleep(start + seconds - settled)
        end, after = time.monotonic(), await read_counts(url)
        observed.append(_Observed(start, settled, end, after.since(before)))
    return tuple(observed)


def measure_raised_quotas(*, quick: bool) -> Scenario:
    """Run the scenario. The server counts images and requests by a sliding log."""
    seconds = 8.0 if quick else 20.0
    service = Service(quotas=Quotas(images_per_second=LIMITS[0]))
    with Server(service) as server:
        run = run_fresh(_stream, server.url, seconds)
    phases = tuple(
        _phase(limit, observed, run.moments)
        for limit, observed in zip(LIMITS, run.observed, strict=True)
    )
    return Scenario(phases, run.most_outstanding, run.totals.failed, run.totals.lost)


def _phase(limit: float, observed: _Observed, moments: Sequence[float]) -> Phase:
    inside = [moment for moment in moments if observed.start <= moment < observed.end]
    settled = sum(moment >= observed.settled for moment in inside)
    return Phase(
        limit=limit,
        seconds_to_reach=_reached(inside, observed.start, SHARE * limit),
        refused_percent=observed.counts.refused_image_percent,
        used=settled / (observed.end - observed.settled) / limit,
    )


def _reached(moments: Sequence[float], start: float, wanted: float) -> float | None:
    """Return the seconds until `wanted` moments are within one second; None if never."""
    first = 0
    for number, moment in enumerate(moments):
        while moments[first] <= moment - 1.0:
            first += 1
        if number - first + 1 >= wanted:
            return moment - start
    return None
