"""The rows of an input as they come, read in a thread of their own.

Standard input may have nothing to say for hours, and nobody can interrupt who listens to it. So
that thread is a daemon, and nothing else waits for it.
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
"""Rows that are read before anybody wants them, at most."""

CHECKPOINT_EVERY = 200
"""Rows between two checkpoints: as many as are wanted at once."""


MOMENT = 0.1
"""Seconds in which a thread ends that does not listen in vain."""


@attrs.frozen
class RowBatch:
    """Rows of an input.

    Args:
        rows: In order; none at the end of the input.
        checkpoints: Places among them or behind them, from which it can be read on.
    """

    rows: tuple[RowOrBad, ...]
    checkpoints: tuple[Checkpoint, ...]


class Prefetch:
    """Reads ahead of those who take.

    Args:
        opened: Opens the input. The thread does so, and closes it.
        seen: What stood for the input up to and with some rows when it was read before.
        loop: Where rows are taken.
    """

    def __init__(
        self,
        opened: Callable[[], Reader],
        seen: Mapping[int, str],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._opened = opened
        self._seen = seen
        self._loop = loop
        self._rows: deque[RowOrBad] = deque()
        self._checkpoints: deque[Checkpoint] = deque()
        self._room = threading.Event()
        self._news = asyncio.Event()
        self._ended = asyncio.Event()
        self._error: Exception | None = None
        self._closed = False
        self.total: int | None = None
        """Rows of the input, estimated from how much of it has been read; None if nobody knows."""
        self.counted = False
        """Whether `total` is no estimate any more."""
        self._thread = threading.Thread(target=self._read, name="aliocr input", daemon=True)
        self._thread.start()

    async def take(self, most: int) -> RowBatch:
        """The next rows: as many as have been read, at least one, unless the input has ended.

        Args:
            most: Rows at most.

        Raises:
            InputError: It cannot be read, or is not what it was; after the rows before that.
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

        A thread that listens to a pipe in vain is left alone: it ends when it hears something.
        """
        self._closed = True
        self._room.set()
        self._thread.join(MOMENT)

    def _read(self) -> None:
        try:
            with closing(self._opened()) as reader:
                self._read_all(reader)
        except Exception as error:  # noqa: BLE001 - whoever takes rows gets it
            self._error = error
        finally:
            with suppress(RuntimeError):  # the loop has ended, and nobody waits
                self._loop.call_soon_threadsafe(self._end)

    def _read_all(self, reader: Reader) -> None:
        for row in reader:
            self._wait_for_room()
            if self._closed:
                return
            self._take_down(row, reader)
        end = reader.checkpoint
        self._checkpoints.append(end)
        self.total, self.counted = end.number, True

    def _wait_for_room(self) -> None:
        while len(self._rows) >= ROWS_AHEAD and not self._closed:
            self._room.clear()
            if len(self._rows) >= ROWS_AHEAD and not self._closed:  # or they were taken just now
                self._room.wait()

    def _take_down(self, row: RowOrBad, reader: Reader) -> None:
        before = self._seen.get(row.number)
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

    def _end(self) -> None:
        self._ended.set()
        self._news.set()
