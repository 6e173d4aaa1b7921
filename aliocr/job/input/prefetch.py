"""Prefetch: read the rows of an input in a separate thread, before the job takes them.

Standard input may send nothing for hours, and a thread that waits for it cannot be interrupted.
Therefore the thread is a daemon: the process can exit without waiting for the thread.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import closing, suppress

import attrs

from aliocr.job.input.first_rows import FirstRows
from aliocr.job.input.rows import Checkpoint, Reader, RowOrBad, changed

ROWS_AHEAD = 2_000
"""Maximum number of rows that were read, but that the job has not taken yet."""

CHECKPOINT_EVERY = 200
"""Number of rows between two checkpoints. The job takes this many rows in one step."""

MOMENT = 0.1
"""Maximum time in seconds to wait until the thread has ended. Only a thread that waits for a pipe
needs more time."""


@attrs.frozen
class RowBatch:
    """Rows of an input, and the checkpoints between these rows and after the last of them.

    Args:
        rows: The rows, in the order of the input; empty at the end of the input.
        checkpoints: Positions from which a later run can continue to read.
    """

    rows: tuple[RowOrBad, ...]
    checkpoints: tuple[Checkpoint, ...]


class Prefetch:
    """Reads rows in a thread, before the job takes them.

    Args:
        open_: Opens the reader. It is called in the thread, which also closes the reader.
        start: The checkpoint to continue from; None for the beginning of the input.
        digests: The digests of checkpoints of earlier runs that are after `start`, so that a change
            of the input is noticed. The key is the number of rows before the checkpoint.
        loop: The event loop in which the job takes rows.
        first_rows: Looks at the first rows of a job that is still to begin; None for other jobs.

    Attributes:
        total: Number of rows of the input. It is estimated from the share of the input that was
            read; None if this share is unknown.
        counted: True if `total` is exact.
    """

    def __init__(
        self,
        open_: Callable[[], Reader],
        start: Checkpoint | None,
        digests: Mapping[int, str],
        loop: asyncio.AbstractEventLoop,
        first_rows: FirstRows | None = None,
    ) -> None:
        self._open = open_
        self._start = start
        self._digests = digests
        self._loop = loop
        self._first_rows = first_rows
        self._looked = asyncio.Event()
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

    async def look(self) -> None:
        """Wait until the first rows say that the job may begin.

        Raises:
            InputError: They say that it must not, or the input cannot be read.
        """
        await self._looked.wait()
        if self._error is not None and self._first_rows and not self._first_rows.enough:
            raise self._error

    async def take(self, most: int) -> RowBatch:
        """Return the next rows, at most `most`; wait until there is at least one row.

        At the end of the input, return a batch without rows.

        Raises:
            InputError: The input cannot be read, or has changed. All rows that were read before
                the error are returned first.
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
        """Stop reading, and close the input. Block for at most `MOMENT`.

        A thread that waits for a pipe continues after this call. The thread ends when the pipe
        sends a line, or when the process ends.
        """
        self._closed = True
        self._room.set()
        self._thread.join(MOMENT)

    def _read(self) -> None:
        try:
            with closing(self._open()) as reader:
                if self._start is not None:
                    reader.skip_to(self._start)
                first_rows = self._first_rows
                for row in reader:
                    if first_rows and not first_rows.enough and first_rows.take(row, reader):
                        self._loop.call_soon_threadsafe(self._looked.set)
                    self._add(row, reader)
                    if self._closed:
                        return
                if first_rows:
                    first_rows.end(reader)
                end = reader.checkpoint
                self._checkpoints.append(end)
                self.total, self.counted = end.number, True
        except Exception as error:  # noqa: BLE001 - `take` raises it
            self._error = error
        finally:
            with suppress(RuntimeError):  # raised if the event loop has ended
                self._loop.call_soon_threadsafe(self._ended.set)
                self._loop.call_soon_threadsafe(self._looked.set)
                self._loop.call_soon_threadsafe(self._news.set)

    def _add(self, row: RowOrBad, reader: Reader) -> None:
        while len(self._rows) >= ROWS_AHEAD and not self._closed:
            self._room.clear()
            # Check again: if the job took rows just before `clear`, nothing would end the wait.
            if len(self._rows) >= ROWS_AHEAD and not self._closed:
                self._room.wait()
        before = self._digests.get(row.number)
        # So that short lists have checkpoints, too, make some after the rows 1, 2, 4, 8 and so on.
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
