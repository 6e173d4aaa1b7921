"""One piece of work at each turn of the event loop, so that nobody waits for hundreds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager

from aliocr.emulator.fairness import Shares


class Turns:
    """The turns of one event loop, for work of up to some milliseconds that awaits nothing.

    Whatever else there is to do comes between two pieces: connections, timers, short requests.
    """

    def __init__(self) -> None:
        self._one = Shares(1)

    @asynccontextmanager
    async def turn(self, owner: Hashable = None) -> AsyncIterator[None]:
        """Wait for a turn that nobody else works in; what follows the block is still in it.

        Args:
            owner: A request; of several, each has its turns, and so none is kept waiting by another
                with a hundred images. Within one, first come, first served.
        """
        share = self._one.share(owner)
        await share.take(1)
        try:
            yield
        finally:
            # Kept until the next turn: those that are ready in this one would go on in it else.
            asyncio.get_running_loop().call_soon(share.keep, 0)
