"""Row 4: images per second with slow answers, compared with the SDK of the vendor."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from itertools import count, takewhile

from benchmarks.client import open_session, urls_until
from benchmarks.figures import Comparison, Curve, Row, at_least
from benchmarks.peers import CORE_SDK, OURS, PEERS
from benchmarks.peers.contract import IN_FLIGHT
from benchmarks.server import Server
from benchmarks.service import REAL_REPLY, Service
from benchmarks.tally import Tally, Totals, url_of
from benchmarks.worker import measure_concurrently, run_fresh

SERVICE_SECONDS = 3.0
"""Time that the server takes for an answer, for the target, in seconds."""

OTHERS = {0.2: 6.0, 1.0: 8.0, 5.0: 18.0}
"""Further times of an answer, each with the duration of its measurement, in seconds."""

QUESTION = (
    f"images/s at {SERVICE_SECONDS:.0f} s answers ÷ the vendor's SDK, {IN_FLIGHT} threads,"
    " 100 images a request"
)


async def _ours(url: str, seconds: float) -> tuple[Totals, list[float]]:
    """Return the totals, and the times at which images were read, in seconds from the start."""
    tally = Tally(0)
    moments = []
    async with open_session(url) as ocr:
        start = time.monotonic()
        async for outcome in ocr.stream(urls_until(start + seconds, tally)):
            tally.note(outcome)
            if outcome.ok:
                moments.append(time.monotonic() - start)
    return tally.totals(), moments


async def _theirs(url: str, seconds: float) -> tuple[Totals, list[float]]:
    moments: list[float] = []
    start = time.monotonic()

    def note(images: int, _: object) -> None:
        moments.extend([time.monotonic() - start] * images)

    images = takewhile(lambda _: time.monotonic() < start + seconds, map(url_of, count()))
    await PEERS[CORE_SDK].read_images(url, images, note)
    return Totals(read=len(moments), failed=0, lost=0), moments


def _measured(latency: float, seconds: float) -> tuple[dict[str, float], int]:
    """Measure both peers at the same time; return images per second and lost images."""
    service = Service(seconds=latency, regions=REAL_REPLY)
    with Server(service) as mine, Server(service) as other:
        found = measure_concurrently(
            {
                OURS: partial(run_fresh, _ours, mine.url, seconds),
                CORE_SDK: partial(run_fresh, _theirs, other.url, seconds),
            }
        )
    rates = {name: _rate(moments, seconds, latency) for name, (_, moments) in found.items()}
    return rates, sum(totals.lost for totals, _ in found.values())


def measure_throughput(*, quick: bool) -> list[Row]:
    """Measure row 4. Both peers read for the same time, and the beginning is not counted."""
    note = PEERS[CORE_SDK].missing()
    if note is not None:
        return [Row("4", QUESTION, note=note)]
    plan = {SERVICE_SECONDS: 10.0} if quick else OTHERS | {SERVICE_SECONDS: 30.0}
    found = {latency: _measured(latency, plan[latency]) for latency in sorted(plan)}
    rates, _ = found[SERVICE_SECONDS]
    compared = Comparison(
        f"images/s at {SERVICE_SECONDS:.0f} s answers",
        "{:,.0f}",
        {name: (rate,) for name, rate in rates.items()},
    )
    curves = tuple(
        Curve(
            "throughput",
            name,
            "time of an answer, s",
            "images/s",
            tuple((latency, rates[name]) for latency, (rates, _) in found.items()),
        )
        for name in (OURS, CORE_SDK)
    )
    ratio = at_least("ratio", rates[OURS] / max(1.0, rates[CORE_SDK]), 2, 2.8)
    return [
        Row(
            "4",
            QUESTION,
            (ratio,),
            {"seconds": plan[SERVICE_SECONDS]},
            sum(lost for _, lost in found.values()),
            comparisons=(compared,),
            curves=() if quick else curves,
        )
    ]


def _rate(moments: Sequence[float], end: float, latency: float) -> float:
    """Return images per second in a time window.

    The weight of an answer rises from 0 to 1 at the start of the window, and falls to 0 at its end,
    each time during one service time. The reason is that the threads of the SDK get answers in
    bursts every three seconds. With sharp limits, one burst more or less would change the figure by
    a tenth. The window begins half a second after the first answers, when both peers work at full
    speed.
    """
    start = latency + 0.5

    def weight(moment: float) -> float:
        return max(0.0, min(1.0, min(moment - start, end - moment) / latency))

    return sum(map(weight, moments)) / (end - start - latency)
