"""How a command that has work under way is told to stop: once to finish it, twice to end."""

from __future__ import annotations

import asyncio
import os
import signal
from types import TracebackType
from typing import Self

NUMBERS = (signal.SIGINT, signal.SIGTERM)


class StopSignals:
    """Ctrl-C and SIGTERM, on the running event loop and in the main thread.

    The first sets `asked`. The second ends the process where it stands, with the exit code that
    shells give to the signal: 130 or 143. It does not go through the event loop, so that nothing
    that is being finished can hold it up, and it closes sockets as the end of a process does.

    They stay so after the block, for what ends there may take its time, too.

    Attributes:
        asked: Whether to stop.
        number: Which signal asked; None if there was none yet.
    """

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.number: int | None = None
        self._loop = asyncio.get_running_loop()
        self._heard = False

    def __enter__(self) -> Self:
        for number in NUMBERS:
            signal.signal(number, self._hear)
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._heard = True

    def _hear(self, number: int, _: object) -> None:
        if self._heard:
            os._exit(128 + number)
        self._heard = True
        self.number = number
        self._loop.call_soon_threadsafe(self.asked.set)
