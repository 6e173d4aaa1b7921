"""The requests in flight, which end when the emulator stops."""

from __future__ import annotations

import asyncio


class InFlight:
    """The tasks of the requests in flight."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[object]] = set()

    def join(self) -> None:
        """Add the running task, until it ends."""
        running = asyncio.current_task()
        if running is not None:
            self._running.add(running)
            running.add_done_callback(self._running.discard)

    async def aclose(self) -> None:
        """Cancel the requests in flight, and wait until these requests have ended."""
        # Repeated, because a kept-alive connection may bring another request during the wait. Done
        # tasks leave the set only in the next iteration of the loop. They are not waited for,
        # because a wait for done tasks returns at once, so this loop would block the event loop.
        while running := [task for task in self._running if not task.done()]:
            for task in running:
                task.cancel()
            await asyncio.wait(running)
