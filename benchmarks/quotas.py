"""An account whose image quota is raised, twice, while one stream runs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import attrs

from benchmarks.client import counts_of, open_session, until
from benchmarks.control import Control
from benchmarks.server import Server
from benchmarks.service import Counts, Quotas, Service
from benchmarks.tally import Tallied, Tally
from benchmarks.worker import fresh

__all__ = ["Phase", "Scenario", "raised_quotas"]

LIMITS = (10.0, 50.0, 1000.0)
"""Images per second, one after the other."""

SETTLING = 5.0
"""Seconds at the start of a phase that its means leave out."""

SHARE = 0.85
"""Of the new limit: reached when so much of it was answered within one second."""


@attrs.frozen(kw_only=True)
class Phase:
    """One limit, and what became of it.

    Args:
        limit: Images per second.
        seconds_to_reach: From the change until a second in which 85 % of the limit were read; None
            if there was none.
        refused_percent: Of the images sent after the first seconds.
        used: Images read per second after the first seconds, ÷ the limit.
    """

    limit: float
    seconds_to_reach: float | None
    refused_percent: float
    used: float


@attrs.frozen
class Scenario:
    """All phases, and what they have in common.

    Args:
        phases: In their order.
        most_outstanding: Images drawn from the source without an outcome yet, at most.
        failed: Images with a failure.
        lost: Images without an outcome.
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
class _Run:
    tallied: Tallied
    observed: tuple[_Observed, ...]
    moments: list[float]
    most_outstanding: int


async def _stream(url: str, seconds: float) -> _Run:
    tally = Tally(0)
    moments = []
    outstanding = 0
    end = time.monotonic() + seconds * len(LIMITS)
    watcher = asyncio.create_task(_raise_limits(url, seconds))
    async with open_session(url) as ocr:
        async for outcome in ocr.stream(until(end, tally)):
            outstanding = max(outstanding, tally.outstanding)
            tally.note(outcome)
            if outcome.ok:
                moments.append(time.monotonic())
    return _Run(tally.close(), await watcher, moments, outstanding)


async def _raise_limits(url: str, seconds: float) -> tuple[_Observed, ...]:
    observed: list[_Observed] = []
    for limit in LIMITS:
        if observed:
            await asyncio.to_thread(Control(url).change, Quotas(images_per_second=limit))
        start = time.monotonic()
        await asyncio.sleep(SETTLING)
        settled, before = time.monotonic(), await counts_of(url)
        await asyncio.sleep(start + seconds - settled)
        end, after = time.monotonic(), await counts_of(url)
        observed.append(_Observed(start, settled, end, after.since(before)))
    return tuple(observed)


def raised_quotas(*, quick: bool) -> Scenario:
    """Run it; the sliding log counts images and requests alike."""
    seconds = 8.0 if quick else 20.0
    service = Service(quotas=Quotas(images_per_second=LIMITS[0]))
    with Server(service) as server:
        run = fresh(_stream, server.url, seconds)
    phases = tuple(
        _phase(limit, observed, run.moments)
        for limit, observed in zip(LIMITS, run.observed, strict=True)
    )
    return Scenario(phases, run.most_outstanding, run.tallied.failed, run.tallied.lost)


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
    """Seconds until for the first time so many came within one second."""
    first = 0
    for number, moment in enumerate(moments):
        while moments[first] <= moment - 1.0:
            first += 1
        if number - first + 1 >= wanted:
            return moment - start
    return None
