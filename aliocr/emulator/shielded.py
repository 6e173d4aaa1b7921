"""Waiting for an end that nothing may cut short."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def to_the_end(
    ending: asyncio.Future[T], *, on_cancel: Callable[[], object] = lambda: None
) -> T:
    """What a task gives, waited for until it is over, however often the wait is cancelled.

    Args:
        ending: What must not be left half done.
        on_cancel: Called at each cancellation, such as to leave out what may be left out.

    Raises:
        asyncio.CancelledError: The wait was cancelled meanwhile; it is over all the same.
    """
    cancelled: asyncio.CancelledError | None = None
    while not ending.done():
        try:
            await asyncio.wait((ending,))  # which does not cancel it, as awaiting it would
        except asyncio.CancelledError as error:
            cancelled = cancelled or error
            on_cancel()
    if cancelled is None:
        return ending.result()
    raise cancelled from (None if ending.cancelled() else ending.exception())
