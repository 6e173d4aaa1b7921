"""Row 4: images per second beside the vendor's SDK, when answers take their time."""

from __future__ import annotations

import time
from collections.abc import Sequence

import attrs

from benchmarks.client import open_session, until
from benchmarks.figures import Row, at_least
from benchmarks.peers import missing_sdk, sdk_answers
from benchmarks.server import Server
from benchmarks.service import REAL_REPLY, Service
from benchmarks.tally import Tallied, Tally
from benchmarks.worker import fresh

__all__ = ["against_sdk"]

SERVICE_SECONDS = 3.0

WARM_UP = 3.5
"""Seconds before the count begins, so that both are in full swing."""

QUESTION = "images/s at 3 s answers ÷ the vendor's SDK, 10 threads, 100 images a request"


@attrs.frozen
class _Answers:
    tallied: Tallied
    moments: list[float]


async def _stream(url: str, seconds: float) -> _Answers:
    tally = Tally(0)
    moments = []
    async with open_session(url) as ocr:
        start = time.monotonic()
        async for outcome in ocr.stream(until(start + seconds, tally)):
            tally.note(outcome)
            if outcome.ok:
                moments.append(time.monotonic() - start)
    return _Answers(tally.close(), moments)


def against_sdk(*, quick: bool) -> list[Row]:
    """Row 4: both read for the same time, and the beginning does not count."""
    note = missing_sdk()
    if note is not None:
        return [Row("4", QUESTION, note=note)]
    seconds = 10.0 if quick else 30.0
    service = Service(seconds=SERVICE_SECONDS, regions=REAL_REPLY)
    with Server(service) as server:
        ours = fresh(_stream, server.url, seconds)
    with Server(service) as server:
        theirs = fresh(sdk_answers, server.url, seconds)
    our_rate, their_rate = _rate(ours.moments, seconds), _rate(theirs, seconds)
    details = {
        "images_per_second": our_rate,
        "sdk_images_per_second": their_rate,
        "images_failed": ours.tallied.failed,
        "seconds": seconds,
    }
    ratio = at_least("ratio", our_rate / max(1.0, their_rate), 2, 2.8)
    return [Row("4", QUESTION, (ratio,), details, ours.tallied.lost)]


def _rate(moments: Sequence[float], end: float) -> float:
    """Images per second, through a window whose sides slant over one service time.

    The SDK's threads answer all at once every three seconds: with upright sides, a burst more or
    less in the window would change the figure by a tenth.
    """

    def weight(moment: float) -> float:
        return max(0.0, min(1.0, min(moment - WARM_UP, end - moment) / SERVICE_SECONDS))

    return sum(map(weight, moments)) / (end - WARM_UP - SERVICE_SECONDS)
