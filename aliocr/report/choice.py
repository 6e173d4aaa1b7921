"""Choose the rows that a page shows, if there are more rows than the page may show."""

from __future__ import annotations

from collections import defaultdict
from heapq import heappop, heappush
from typing import TypeAlias

from aliocr.job.output.result import Result

FOR_THOSE_READ = 10
"""One in this number of rows on the page is reserved for rows that were read without failure."""

_Held: TypeAlias = list[tuple[int, int, Result]]
"""A heap of (negative row number, order of arrival, result), with the last row on top."""


class RowChoice:
    """Takes any number of results, and keeps as many as a page shows.

    Failures are preferred, because readers look for failures; some are kept for each reason. Of
    each reason the first rows of the input are kept; the order of arrival does not matter.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._came = 0
        self._read: _Held = []
        self._failed: defaultdict[tuple[str, int | str | None], _Held] = defaultdict(list)
        self._failures = 0

    def offer(self, result: Result) -> None:
        """Add a result; if there are more than the limit, drop one result."""
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
        # Of two kinds with equal counts, choose the kind with the last row, so that the order of
        # arrival does not matter.
        failed = self._failed
        largest = max(failed, key=lambda kind: (len(failed[kind]), -failed[kind][0][0]))
        heappop(failed[largest])
        if not failed[largest]:
            del failed[largest]
        self._failures -= 1

    def rows(self) -> list[Result]:
        """Return the results that were kept, in the order of the input."""
        held = [self._read, *self._failed.values()]
        found = sorted((-row, came, result) for heap in held for row, came, result in heap)
        return [result for _, _, result in found]
