"""A clock that a test can set forward, so that an hour passes at once."""

from __future__ import annotations

import asyncio
import time


class Clock:
    """Seconds since any moment; they never go back."""

    def __init__(self) -> None:
        self._ahead = 0.0
        self._waiting: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}

    def now(self) -> float:
        """Return the time in seconds."""
        return time.monotonic() + self._ahead

    def advance(self, seconds: float) -> None:
        """Set the clock forward, from any thread, and wake those who wait for a moment."""
        self._ahead += seconds
        for event, loop in tuple(self._waiting.items()):
            if not loop.is_closed():
                loop.call_soon_threadsafe(event.set)

    async def wait_until(self, moment: float) -> None:
        """Wait until the clock shows this moment."""
        event, loop = asyncio.Event(), asyncio.get_running_loop()
        self._waiting[event] = loop
        try:
            while (left := moment - self.now()) > 0:
                event.clear()
                timer = loop.call_later(left, event.set)
                try:
                    await event.wait()
                finally:
                    timer.cancel()
        finally:
            del self._waiting[event]
