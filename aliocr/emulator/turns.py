"""One piece of work at each turn of the event loop, so that nobody waits for twenty of them."""

from __future__ import annotations

import asyncio
from types import TracebackType

__all__ = ["Turns"]


class Turns:
    """`async with` it around work of some milliseconds that awaits nothing.

    Whatever else there is to do comes between two pieces: connections, timers, short requests.
    First come, first served.
    """

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def __aenter__(self) -> None:
        await self._lock.acquire()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # Kept until the next turn: those that are ready in this one would go on in it else.
        asyncio.get_running_loop().call_soon(self._lock.release)
