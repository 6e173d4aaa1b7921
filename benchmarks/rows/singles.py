"""Rows 2 and 3: many single scans at the same time, and many single scans per second."""

from __future__ import annotations

import asyncio
import random
import time
from functools import partial

import attrs

from aliocr import Limits
from benchmarks.client import open_session, read_counts, scan_to_outcome, scan_when_due
from benchmarks.figures import Curve, Row, at_least, at_most
from benchmarks.server import Server
from benchmarks.service import REAL_REPLY, Counts, Service
from benchmarks.spread import percentile
from benchmarks.tally import Tally, Totals, url_of, urls
from benchmarks.worker import measure_concurrently, run_fresh

AT_ONCE = 1000

LOAD = 200.0
"""Load for the target, in single scans per second."""

LOADS = (5.0, 20.0, 60.0, 700.0)
"""Further loads for the chart, in single scans per second."""

MOST_ALONE = 20.0
"""Maximum load that is also measured with one image per request, in single scans per second. The
server allows ten requests per second."""

LOAD_SECONDS = 6.0
"""Duration of the measurement of each further load, in seconds."""

SERVICE_SECONDS = 0.30


@attrs.frozen
class _Burst:
    totals: Totals
    seconds: float
    requests: int


async def _at_once(url: str, count: int) -> _Burst:
    tally = Tally(count)
    async with open_session(url) as ocr:
        start = time.perf_counter()
        for outcome in await asyncio.gather(
            *(scan_to_outcome(ocr, image) for image in urls(count))
        ):
            tally.note(outcome)
        seconds = time.perf_counter() - start
    return _Burst(tally.totals(), seconds, (await read_counts(url)).requests)


def measure_concurrent_scans(*, quick: bool) -> list[Row]:
    """Measure row 2: a thousand concurrent callers scan one image each."""
    bursts = []
    for _ in range(1 if quick else 5):
        with Server(Service(regions=REAL_REPLY)) as server:
            bursts.append(run_fresh(_at_once, server.url, AT_ONCE))
    figures = (
        at_most("time", [burst.seconds for burst in bursts], 1.3, 1.2, "{:.2f} s"),
        at_most("requests", max(burst.requests for burst in bursts), 11, 10, "{:.0f}"),
        at_least(
            "answered", min(burst.totals.read for burst in bursts), AT_ONCE, AT_ONCE, "{:.0f}"
        ),
    )
    question = f"{AT_ONCE:,} concurrent single scans, limit enforced, answers in 0.2 s"
    lost = sum(burst.totals.lost for burst in bursts)
    return [Row("2", question, figures, lost=lost)]


@attrs.frozen
class _Arrivals:
    totals: Totals
    waits: tuple[float, ...]
    counts: Counts

    def added(self, percent: float) -> float:
        """Return a percentile of the latency without the time of the service, in milliseconds."""
        return percentile([1000 * (wait - SERVICE_SECONDS) for wait in self.waits], percent)


async def _arriving(url: str, load: float, seconds: float, per_request: int) -> _Arrivals:
    """Start each scan at its time, even if earlier scans have not ended (an open loop)."""
    dice = random.Random(3)
    moments = [dice.expovariate(load)]
    while moments[-1] < seconds:
        moments.append(moments[-1] + dice.expovariate(load))
    tally = Tally(len(moments))
    async with open_session(url, limits=Limits(images_per_request=per_request)) as ocr:
        # Open the connections before the measurement, because a running server has open ones.
        await asyncio.gather(
            *(scan_to_outcome(ocr, f"{url_of(number)}?warm") for number in range(3))
        )
        await asyncio.sleep(1.0)
        before = await read_counts(url)
        start = time.monotonic() + 0.1
        scans = [
            asyncio.create_task(scan_when_due(ocr, number, start + moment, tally))
            for number, moment in enumerate(moments)
        ]
        waits = await asyncio.gather(*scans)
    counts = (await read_counts(url)).since(before)
    return _Arrivals(tally.totals(), tuple(waits), counts)


def _arrivals(load: float, seconds: float, per_request: int = 100) -> _Arrivals:
    with Server(Service(seconds=SERVICE_SECONDS, regions=REAL_REPLY)) as server:
        return run_fresh(_arriving, server.url, load, seconds, per_request)


def measure_added_latency(*, quick: bool) -> list[Row]:
    """Measure row 3: the wait for a permit when scans arrive at random times."""
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
        "images_failed": arrivals.totals.failed,
    }
    return [Row("3", question, figures, details, arrivals.totals.lost + lost, curves=curves)]


def _over_loads(target: _Arrivals) -> tuple[tuple[Curve, ...], int]:
    """Measure the further loads; return the curves and the number of lost images.

    The variant with one image per request runs at the same time, because it needs little CPU.
    """
    ours, alone = {LOAD: target}, {}
    for load in LOADS:
        both = {"ours": partial(_arrivals, load, LOAD_SECONDS)}
        if load <= MOST_ALONE:
            both["alone"] = partial(_arrivals, load, LOAD_SECONDS, 1)
        found = measure_concurrently(both)
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
    lost = sum(each.totals.lost for found in (ours, alone) for each in found.values())
    return curves, lost - target.totals.lost
