"""Helpers for measured sessions: opening, a limiter without limit, sources, counts."""

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
    """Return a session on the server at `url`, with default options unless given."""
    return Session(credentials=CREDENTIALS, endpoint=url, **options)


@attrs.frozen
class FreeLimiter:
    """Limiter that never waits, so that only the library's own work is measured."""

    async def acquire(self) -> None:
        """Grant a permit at once."""


async def read_counts(url: str) -> Counts:
    """Read the server's counts in a thread, so that the loop is not blocked."""
    return await asyncio.to_thread(ControlClient(url).counts)


async def scan_to_outcome(ocr: Session, url: str) -> Outcome:
    """Scan one image and return its error as a failure, as the other verbs do."""
    try:
        return await ocr.scan(url)
    except OCRError as error:
        return Failure(Image(url), error)


async def scan_when_due(ocr: Session, number: int, moment: float, tally: Tally) -> float:
    """Scan one image at a moment of `time.monotonic`, and note its outcome.

    Returns:
        Seconds since the scan was due, not since it started: a late start is latency, too.
    """
    await asyncio.sleep(moment - time.monotonic())
    tally.note(await scan_to_outcome(ocr, url_of(number)))
    return time.monotonic() - moment


def urls_until(end: float, tally: Tally) -> Iterator[str]:
    """Yield new images until `end`, a moment of `time.monotonic`."""
    while time.monotonic() < end:
        yield url_of(tally.add())
