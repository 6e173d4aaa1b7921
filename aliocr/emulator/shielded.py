"""Waits for work to its end, even if the wait is cancelled, for example while a server closes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def shielded(work: asyncio.Future[T], *, on_cancel: Callable[[], object] = lambda: None) -> T:
    """Wait until the work is done, even if this wait is cancelled, and return the work's result.

    `asyncio.shield` alone would return at the first cancellation and leave the work half done.

    If this wait was cancelled, `CancelledError` is raised after the work is done. `on_cancel` is
    called at each cancellation, for example to shorten the work.
    """
    cancelled: asyncio.CancelledError | None = None
    while not work.done():
        try:
            await asyncio.wait((work,))  # `await work` would also cancel the work
        except asyncio.CancelledError as error:
            cancelled = cancelled or error
            on_cancel()
    if cancelled is None:
        return work.result()
    raise cancelled from (None if work.cancelled() else work.exception())
