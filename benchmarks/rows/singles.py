"""Rows 2 and 3: single scans, many at once and many a second."""

from __future__ import annotations

import asyncio
import random
import time
from functools import partial

import attrs

from aliocr import Limits, Session
from benchmarks.client import counts_of, open_session, scanned
from benchmarks.figures import Curve, Row, at_least, at_most
from benchmarks.server import Server
from benchmarks.service import REAL_REPLY, Counts, Service
from benchmarks.spread import percentile
from benchmarks.tally import Tallied, Tally, url_of, urls
from benchmarks.worker import fresh, side_by_side

__all__ = ["arriving", "at_once"]

AT_ONCE = 1000

LOAD = 200.0
"""Single scans a second: what the target is about."""

LOADS = (5.0, 20.0, 60.0, 700.0)
"""Further loads."""

MOST_ALONE = 20.0
"""The largest load for one image a request, of which no more than ten a second can go."""

LOAD_SECONDS = 6.0
"""For each of the further loads."""

SERVICE_SECONDS = 0.30


@attrs.frozen
class _Burst:
    tallied: Tallied
    seconds: float
    requests: int


async def _at_once(url: str, count: int) -> _Burst:
    tally = Tally(count)
    async with open_session(url) as ocr:
        start = time.perf_counter()
        for outcome in await asyncio.gather(*(scanned(ocr, image) for image in urls(count))):
            tally.note(outcome)
        seconds = time.perf_counter() - start
    return _Burst(tally.close(), seconds, (await counts_of(url)).requests)


def at_once(*, quick: bool) -> list[Row]:
    """Row 2: a thousand handlers each want one image."""
    bursts = []
    for _ in range(1 if quick else 5):
        with Server(Service(regions=REAL_REPLY)) as server:
            bursts.append(fresh(_at_once, server.url, AT_ONCE))
    figures = (
        at_most("time", [burst.seconds for burst in bursts], 1.3, 1.2, "{:.2f} s"),
        at_most("requests", max(burst.requests for burst in bursts), 11, 10, "{:.0f}"),
        at_least(
            "answered", min(burst.tallied.read for burst in bursts), AT_ONCE, AT_ONCE, "{:.0f}"
        ),
    )
    question = f"{AT_ONCE:,} concurrent single scans, limit enforced, answers in 0.2 s"
    lost = sum(burst.tallied.lost for burst in bursts)
    return [Row("2", question, figures, lost=lost)]


@attrs.frozen
class _Arrivals:
    tallied: Tallied
    waits: tuple[float, ...]
    counts: Counts

    def added(self, percent: float) -> float:
        """Milliseconds beyond the service's own time, at a percentile."""
        return percentile([1000 * (wait - SERVICE_SECONDS) for wait in self.waits], percent)


async def _arriving(url: str, load: float, seconds: float, per_request: int) -> _Arrivals:
    """Open loop: a scan begins when its time has come, whatever became of those before it."""
    dice = random.Random(3)
    moments = [dice.expovariate(load)]
    while moments[-1] < seconds:
        moments.append(moments[-1] + dice.expovariate(load))
    tally = Tally(len(moments))
    async with open_session(url, limits=Limits(images_per_request=per_request)) as ocr:
        # The connections of a server that has been up for a while are open.
        await asyncio.gather(*(scanned(ocr, f"{url_of(number)}?warm") for number in range(3)))
        await asyncio.sleep(1.0)
        before = await counts_of(url)
        start = time.perf_counter() + 0.1
        scans = [
            asyncio.create_task(_timed(ocr, number, start + moment, tally))
            for number, moment in enumerate(moments)
        ]
        waits = await asyncio.gather(*scans)
    counts = (await counts_of(url)).since(before)
    return _Arrivals(tally.close(), tuple(waits), counts)


async def _timed(ocr: Session, number: int, moment: float, tally: Tally) -> float:
    """Seconds from the time the scan was due, not begun: a late start is latency, too."""
    await asyncio.sleep(moment - time.perf_counter())
    tally.note(await scanned(ocr, url_of(number)))
    return time.perf_counter() - moment


def _arrivals(load: float, seconds: float, per_request: int = 100) -> _Arrivals:
    with Server(Service(seconds=SERVICE_SECONDS, regions=REAL_REPLY)) as server:
        return fresh(_arriving, server.url, load, seconds, per_request)


def arriving(*, quick: bool) -> list[Row]:
    """Row 3: what a permit costs when scans arrive at random."""
    seconds = 5.0 if quick else 20.0
    arrivals = _arrivals(LOAD, seconds)
    curves, lost = ((), 0) if quick else _over_loads(arrivals)
    figures = (
        at_most("p50", arrivals.added(50), 70, 55, "{:.0f} ms"),
        at_most("p99", arrivals.added(99), 150, 110, "{:.0f} ms"),
    )
    question = (
        f"latency added to {LOAD:.0f} single scans/s, Poisson arrivals, "
        f"{seconds:.0f} s, answers in {SERVICE_SECONDS:.2f} s"
    )
    details = {
        "scans": len(arrivals.waits),
        "requests": arrivals.counts.requests,
        "refused_requests": arrivals.counts.refused_requests,
        "max_ms": arrivals.added(100),
        "images_failed": arrivals.tallied.failed,
    }
    return [Row("3", question, figures, details, arrivals.tallied.lost + lost, curves=curves)]


def _over_loads(target: _Arrivals) -> tuple[tuple[Curve, ...], int]:
    """The curves, and how many images were lost; what travels alone costs the machine nothing."""
    ours, alone = {LOAD: target}, {}
    for load in LOADS:
        both = {"ours": partial(_arrivals, load, LOAD_SECONDS)}
        if load <= MOST_ALONE:
            both["alone"] = partial(_arrivals, load, LOAD_SECONDS, 1)
        found = side_by_side(both)
        ours[load] = found["ours"]
        if "alone" in found:
            alone[load] = found["alone"]
    lines = (
        ("aliocr, p50", ours, 50),
        ("aliocr, p99", ours, 99),
        ("one image a request, p50", alone, 50),
    )
    curves = tuple(
        Curve(
            "latency",
            line,
            "single scans a second",
            "latency added, ms",
            tuple((load, found[load].added(percent)) for load in sorted(found)),
        )
        for line, found, percent in lines
    )
    lost = sum(each.tallied.lost for found in (ours, alone) for each in found.values())
    return curves, lost - target.tallied.lost
