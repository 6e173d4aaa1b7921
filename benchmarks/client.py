"""Helpers for measuring a session: open a session, scan at given times, read server counts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import attrs

from aliocr import Failure, Image, Outcome, Session
from aliocr.errors import OCRError
from benchmarks.control import ControlClient
from benchmarks.service import Counts
from benchmarks.tally import CREDENTIALS, Tally, url_of


def open_session(url: str, **options: Any) -> Session:
    """Return a session for the server at `url`, with default values for options not given."""
    return Session(credentials=CREDENTIALS, endpoint=url, **options)


@attrs.frozen
class FreeLimiter:
    """Limiter that grants permits immediately, so that only the work of the library is measured."""

    async def acquire(self) -> None:
        """Grant a permit immediately."""


async def read_counts(url: str) -> Counts:
    """Return the counts of the server, read in a thread, so that the loop is not blocked."""
    return await asyncio.to_thread(ControlClient(url).counts)


async def scan_to_outcome(ocr: Session, url: str) -> Outcome:
    """Scan one image. Return an error as a `Failure`, as the other methods of a session do."""
    try:
        return await ocr.scan(url)
    except OCRError as error:
        return Failure(Image(url), error)


async def scan_when_due(ocr: Session, number: int, moment: float, tally: Tally) -> float:
    """Scan one image at the time `moment` of `time.monotonic`, and count its outcome.

    Returns:
        Seconds from `moment` to the outcome. A late start of the scan counts as latency.
    """
    await asyncio.sleep(moment - time.monotonic())
    tally.note(await scan_to_outcome(ocr, url_of(number)))
    return time.monotonic() - moment


def urls_until(end: float, tally: Tally) -> Iterator[str]:
    """Yield URLs of new images until the time `end` of `time.monotonic`."""
    while time.monotonic() < end:
        yield url_of(tally.add())
