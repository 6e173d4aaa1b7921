"""Choose the rows that a page shows, if there are more than the page has room for."""

from __future__ import annotations

from collections import defaultdict
from heapq import heappop, heappush
from typing import TypeAlias

from aliocr.job.output.result import Result

FOR_THOSE_READ = 10
"""Share of places kept for rows that were read, as 1 of this number: every page has some."""

_Held: TypeAlias = list[tuple[int, int, Result]]
"""A heap with the last row of the input on top; the second number orders results of one row."""


class RowChoice:
    """Holds as many rows as a page shows, of any number of rows.

    Failures come first, because readers look for them; each reason keeps some. Apart from that, the
    first rows of the input are held, in whatever order they come.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._came = 0
        self._read: _Held = []
        self._failed: defaultdict[tuple[str, int | str | None], _Held] = defaultdict(list)
        self._failures = 0

    def offer(self, result: Result) -> None:
        """Hold a result, and drop another one above the limit."""
        if result.ok:
            held = self._read
        else:
            held = self._failed[result.kind, result.code]
            self._failures += 1
        self._came += 1
        heappush(held, (-result.row, self._came, result))
        if len(self._read) + self._failures <= self._limit:
            return
        if len(self._read) > self._limit // FOR_THOSE_READ:
            heappop(self._read)
            return
        # Of two kinds as large, the kind with the last row: the order of results decides nothing.
        failed = self._failed
        largest = max(failed, key=lambda kind: (len(failed[kind]), -failed[kind][0][0]))
        heappop(failed[largest])
        if not failed[largest]:
            del failed[largest]
        self._failures -= 1

    def rows(self) -> list[Result]:
        """Return the held rows, in the order of the input."""
        held = [self._read, *self._failed.values()]
        found = sorted((-row, came, result) for heap in held for row, came, result in heap)
        return [result for _, _, result in found]
