"""A deadline that passes only after the event loop has read what came in time.

If something blocks the event loop until after a deadline, the loop finds the timer and the answer
in the same round. A timer of asyncio would cancel the waiting task, and the answer would be lost
although it was paid for. So this deadline first gives the loop some rounds to read its sockets.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self

ROUNDS = 100
"""Number of rounds in which the event loop reads an answer that lies in its socket. A socket of
Linux holds up to 6 MB. The loop reads at least 64 kB in two rounds. On an idle loop, 100 rounds
take 2 ms."""


class Deadline:
    """A time limit for a block, as `asyncio.timeout`, that waits for an answer that has come.

    Args:
        when: When the time is over, in seconds of the loop's clock; None for no limit.
        rounds: Called in each round of the event loop after the time limit; returns the number of
            rounds for which the block may go on: 0 if there cannot be an answer, infinity if the
            answer has come and is being read.

    Raises:
        TimeoutError: The time is over; raised at the end of the block.
    """

    def __init__(self, when: float | None, rounds: Callable[[], float]) -> None:
        self._when = when
        self._rounds = rounds
        self._passed = 0
        self._timeout = asyncio.timeout(None)
        self._timer: asyncio.Handle | None = None

    async def __aenter__(self) -> Self:
        await self._timeout.__aenter__()
        if self._when is not None:
            self._timer = asyncio.get_running_loop().call_at(self._when, self._pass)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        await self._timeout.__aexit__(exc_type, exc, traceback)

    def _pass(self) -> None:
        loop = asyncio.get_running_loop()
        if self._passed < self._rounds():
            self._passed += 1
            self._timer = loop.call_soon(self._pass)
        else:
            self._timeout.reschedule(loop.time())
