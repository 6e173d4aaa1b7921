"""Prefetch: the rows of an input, read in a thread of its own, ahead of the job that takes them.

Standard input may say nothing for hours, and a read of it cannot be interrupted. So the thread is a
daemon, and nothing else waits for it.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import closing, suppress

import attrs

from aliocr.job.input.rows import Checkpoint, Reader, RowOrBad, changed

ROWS_AHEAD = 2_000
"""Rows that are read before the job takes any of them, at most."""

CHECKPOINT_EVERY = 200
"""Rows between two checkpoints: as many as are taken at once."""

MOMENT = 0.1
"""Seconds in which a thread ends that does not wait for a pipe."""


@attrs.frozen
class RowBatch:
    """Rows of an input.

    Args:
        rows: In order; none at the end of the input.
        checkpoints: Places among the rows or behind them, from which the input can be read on.
    """

    rows: tuple[RowOrBad, ...]
    checkpoints: tuple[Checkpoint, ...]


class Prefetch:
    """Reads rows ahead of the job that takes them.

    Args:
        open_: Called in the thread, which closes the reader at the end.
        start: The place to go on; None for the beginning.
        digests: The digests of later checkpoints of earlier runs, by the rows before them.
        loop: The loop in which rows are taken.

    Attributes:
        total: Rows of the input, estimated from the share that has been read; None if unknown.
        counted: Whether `total` is exact.
    """

    def __init__(
        self,
        open_: Callable[[], Reader],
        start: Checkpoint | None,
        digests: Mapping[int, str],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._open = open_
        self._start = start
        self._digests = digests
        self._loop = loop
        self._rows: deque[RowOrBad] = deque()
        self._checkpoints: deque[Checkpoint] = deque()
        self._room = threading.Event()
        self._news = asyncio.Event()
        self._ended = asyncio.Event()
        self._error: Exception | None = None
        self._closed = False
        self.total: int | None = None
        self.counted = False
        self._thread = threading.Thread(target=self._read, name="aliocr input", daemon=True)
        self._thread.start()

    async def take(self, most: int) -> RowBatch:
        """Take the next rows: all that have been read, at least one unless the input has ended.

        Raises:
            InputError: The input cannot be read, or has changed; after the rows before that.
        """
        while not self._rows:
            if self._ended.is_set():
                if self._error is not None:
                    raise self._error
                return RowBatch((), self._checkpoints_up_to(None))
            self._news.clear()
            if not self._rows and not self._ended.is_set():
                await self._news.wait()
        rows = tuple(self._rows.popleft() for _ in range(min(most, len(self._rows))))
        self._room.set()
        return RowBatch(rows, self._checkpoints_up_to(rows[-1].number))

    def _checkpoints_up_to(self, row: int | None) -> tuple[Checkpoint, ...]:
        checkpoints = []
        while self._checkpoints and (row is None or self._checkpoints[0].number <= row):
            checkpoints.append(self._checkpoints.popleft())
        return tuple(checkpoints)

    def stop(self) -> None:
        """Read no more, and close the input. Blocks for a moment.

        A thread that waits for a pipe is left alone: it ends with the next line, or the process.
        """
        self._closed = True
        self._room.set()
        self._thread.join(MOMENT)

    def _read(self) -> None:
        try:
            with closing(self._open()) as reader:
                if self._start is not None:
                    reader.skip_to(self._start)
                for row in reader:
                    self._add(row, reader)
                    if self._closed:
                        return
                end = reader.checkpoint
                self._checkpoints.append(end)
                self.total, self.counted = end.number, True
        except Exception as error:  # noqa: BLE001 - `take` raises it
            self._error = error
        finally:
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._ended.set)
                self._loop.call_soon_threadsafe(self._news.set)

    def _add(self, row: RowOrBad, reader: Reader) -> None:
        while len(self._rows) >= ROWS_AHEAD and not self._closed:
            self._room.clear()
            if len(self._rows) >= ROWS_AHEAD and not self._closed:  # or they were taken just now
                self._room.wait()
        before = self._digests.get(row.number)
        # Short lists have checkpoints as well: behind their rows 1, 2, 4, 8 and so on.
        first_ones = row.number < CHECKPOINT_EVERY and row.number & (row.number - 1) == 0
        if before is not None or first_ones or row.number % CHECKPOINT_EVERY == 0:
            checkpoint = reader.checkpoint
            if before not in (None, checkpoint.digest):
                raise changed("the input", f"it differs before row {row.number + 1:,}")
            self._checkpoints.append(checkpoint)
            share = reader.share
            self.total = round(row.number / share) if share else None
        self._rows.append(row)
        if len(self._rows) == 1:
            self._loop.call_soon_threadsafe(self._news.set)
