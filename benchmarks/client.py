"""Sessions to measure: the library as a user opens it, and limiters and sources beside it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import attrs

from aliocr import Failure, Image, Outcome, Session
from aliocr.errors import OCRError
from benchmarks.control import Control
from benchmarks.service import Counts
from benchmarks.tally import CREDENTIALS, Tally, url_of

__all__ = ["FreeLimiter", "counts_of", "open_session", "scanned", "until"]


def open_session(url: str, **options: Any) -> Session:
    """A session on the server at `url`, with the defaults unless given."""
    return Session(credentials=CREDENTIALS, endpoint=url, **options)


@attrs.frozen
class FreeLimiter:
    """Never waits: what is left is the library's own work."""

    async def acquire(self) -> None:
        """Give leave at once."""


async def counts_of(url: str) -> Counts:
    """The server's counts, read without holding the loop."""
    return await asyncio.to_thread(Control(url).counts)


async def scanned(ocr: Session, url: str) -> Outcome:
    """One single scan; what it raises comes back as a failure, as from the other verbs."""
    try:
        return await ocr.scan(url)
    except OCRError as error:
        return Failure(Image(url), error)


def until(end: float, tally: Tally) -> Iterator[str]:
    """Images without end before a moment of `time.monotonic`, none after it."""
    while time.monotonic() < end:
        yield url_of(tally.more())
