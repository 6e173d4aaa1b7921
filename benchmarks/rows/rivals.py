"""Row 4: images per second beside the vendor's SDK, when answers take their time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from itertools import count, takewhile

from benchmarks.client import open_session, until
from benchmarks.figures import Comparison, Curve, Row, at_least
from benchmarks.peers import CORE_SDK, IN_FLIGHT, OURS, PEERS
from benchmarks.server import Server
from benchmarks.service import REAL_REPLY, Service
from benchmarks.tally import Tallied, Tally, url_of
from benchmarks.worker import fresh, side_by_side

__all__ = ["against_sdk"]

SERVICE_SECONDS = 3.0
"""What the target is about."""

OTHERS = {0.2: 6.0, 1.0: 8.0, 5.0: 18.0}
"""Further times of an answer, and how long each is measured; seconds."""

QUESTION = (
    f"images/s at {SERVICE_SECONDS:.0f} s answers ÷ the vendor's SDK, {IN_FLIGHT} threads,"
    " 100 images a request"
)


async def _ours(url: str, seconds: float) -> tuple[Tallied, list[float]]:
    """The moments, in seconds from the start, at which images were read."""
    tally = Tally(0)
    moments = []
    async with open_session(url) as ocr:
        start = time.monotonic()
        async for outcome in ocr.stream(until(start + seconds, tally)):
            tally.note(outcome)
            if outcome.ok:
                moments.append(time.monotonic() - start)
    return tally.close(), moments


async def _theirs(url: str, seconds: float) -> tuple[Tallied, list[float]]:
    moments: list[float] = []
    start = time.monotonic()

    def note(images: int, _: object) -> None:
        moments.extend([time.monotonic() - start] * images)

    images = takewhile(lambda _: time.monotonic() < start + seconds, map(url_of, count()))
    await PEERS[CORE_SDK].answers(url, images, note)
    return Tallied(read=len(moments), failed=0, lost=0), moments


def _measured(latency: float, seconds: float) -> tuple[dict[str, float], int]:
    """Images per second of both, and how many were lost; they run side by side."""
    service = Service(seconds=latency, regions=REAL_REPLY)
    with Server(service) as mine, Server(service) as other:
        found = side_by_side(
            {
                OURS: partial(fresh, _ours, mine.url, seconds),
                CORE_SDK: partial(fresh, _theirs, other.url, seconds),
            }
        )
    rates = {name: _rate(moments, seconds, latency) for name, (_, moments) in found.items()}
    return rates, sum(tallied.lost for tallied, _ in found.values())


def against_sdk(*, quick: bool) -> list[Row]:
    """Row 4: both read for the same time, and the beginning does not count."""
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
    """Images per second, through a window whose sides slant over one service time.

    The SDK's threads answer all at once every three seconds: with upright sides, a burst more or
    less in the window would change the figure by a tenth. It opens half a second after the first
    answers, so that both are in full swing.
    """
    start = latency + 0.5

    def weight(moment: float) -> float:
        return max(0.0, min(1.0, min(moment - start, end - moment) / latency))

    return sum(map(weight, moments)) / (end - start - latency)
