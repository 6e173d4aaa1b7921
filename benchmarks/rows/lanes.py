"""Row 15: time that a single scan waits while a bulk job runs."""

from __future__ import annotations

import asyncio
import random
import time

import attrs

from aliocr import Session
from benchmarks.client import open_session, scan_when_due, urls_until
from benchmarks.figures import Row, at_most
from benchmarks.server import Server
from benchmarks.service import REAL_REPLY, Service
from benchmarks.spread import percentile
from benchmarks.tally import Tally, Totals
from benchmarks.worker import run_fresh

SERVICE_SECONDS = 0.2

BULK_LEAD = 1.0
"""Time that the bulk job runs before the first single scan, in seconds."""


@attrs.frozen
class _Beside:
    bulk: Totals
    singles: Totals
    seconds: float
    latencies: tuple[float, ...]


async def _beside(url: str, seconds: float) -> _Beside:
    start = time.monotonic()
    bulk = Tally(0)

    async def saturate(ocr: Session) -> float:
        async for outcome in ocr.stream(urls_until(start + BULK_LEAD + seconds, bulk)):
            bulk.note(outcome)
        return time.monotonic() - start

    async with open_session(url) as ocr:
        lasted = asyncio.create_task(saturate(ocr))
        dice = random.Random(15)
        singles = Tally(0)
        scans = []
        for second in range(round(seconds)):
            # Scan at a random moment of each second, because permits are granted at regular times.
            moment = start + BULK_LEAD + second + dice.random()
            scans.append(asyncio.create_task(scan_when_due(ocr, singles.add(), moment, singles)))
        latencies = await asyncio.gather(*scans)
        bulk_seconds = await lasted
    return _Beside(bulk.totals(), singles.totals(), bulk_seconds, tuple(latencies))


def measure_interactive_wait(*, quick: bool) -> list[Row]:
    """Measure row 15: the wait for a permit, which is the latency minus the time of the service."""
    seconds = 10.0 if quick else 60.0
    with Server(Service(seconds=SERVICE_SECONDS, regions=REAL_REPLY)) as server:
        beside = run_fresh(_beside, server.url, seconds)
        counts = server.control.counts()
    waits = [1000 * (latency - SERVICE_SECONDS) for latency in beside.latencies]
    question = f"a saturating stream and 1 single scan/s for {seconds:.0f} s: the scan's wait"
    details = {
        "p50_ms": percentile(waits, 50),
        "scans": len(waits),
        "bulk_images_per_second": beside.bulk.read / beside.seconds,
        "refused_requests": counts.refused_requests,
        "scans_failed": beside.singles.failed,
        "bulk_failed": beside.bulk.failed,
    }
    p99 = at_most("p99", percentile(waits, 99), 250, 210, "{:.0f} ms")
    return [Row("15", question, (p99,), details, beside.bulk.lost + beside.singles.lost)]
