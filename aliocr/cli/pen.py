"""Standard error, written to by a thread of its own."""

from __future__ import annotations

import os
import queue
import sys
import threading
from types import TracebackType
from typing import Self

__all__ = ["Pen"]


class Pen:
    """Writes what it is given, in order, while the program goes on.

    A terminal can be held, by Ctrl-S or by a connection that has frozen, and a pipe may have no
    reader in a hurry. Whoever writes to it then waits, and should not be what reads images. Nor is
    it an error if nobody is there any more.

    The end of the block waits until all is written, or a signal ends the program.

    Attributes:
        descriptor: Where it writes; None if standard error is closed.
        encoding: Of what it writes.
    """

    def __init__(self) -> None:
        self.descriptor = _stderr()
        self.encoding = "ascii" if sys.stderr is None else sys.stderr.encoding
        self._texts: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._given = 0
        self._written = 0
        self._thread = threading.Thread(target=self._work, name="aliocr stderr", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._texts.put(None)
        self._thread.join()

    @property
    def idle(self) -> bool:
        """Whether all it was given is written: what only says how things are can wait for that."""
        return self._given == self._written

    def write(self, text: str) -> None:
        """Write this after all before it."""
        self._given += 1
        self._texts.put(text)

    def _work(self) -> None:
        while (text := self._texts.get()) is not None:
            rest = text.encode(self.encoding, "backslashreplace")
            try:
                while rest and self.descriptor is not None:
                    rest = rest[os.write(self.descriptor, rest) :]
            except OSError:
                self.descriptor = None  # nobody is there any more
            self._written += 1


def _stderr() -> int | None:
    """Its descriptor; None if it is closed, or not one of the system's."""
    try:
        return None if sys.stderr is None else sys.stderr.fileno()
    except OSError:
        return None
