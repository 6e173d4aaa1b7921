"""Choose the rows that a page shows, if there are more rows than the page may show."""

from __future__ import annotations

from collections import defaultdict
from heapq import heappop, heappush
from typing import TypeAlias

from aliocr.job.output.result import Result

FOR_THOSE_READ = 10
"""Of every `FOR_THOSE_READ` rows on the page, one is reserved for a row that was read without
failure."""

_Held: TypeAlias = list[tuple[int, int, Result]]
"""A heap of (negative row number, number in the order of arrival, result). On top is the result
whose row is last in the input."""


class RowChoice:
    """Takes any number of results, and keeps as many as a page shows.

    Failures are preferred, because people look for failures in a report. If there are too many
    failures, reasons with few failures keep all of them, and the other reasons keep about the same
    number. Of each reason, the rows that come first in the input are kept. The order in which
    results arrive does not matter.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._came = 0
        self._read: _Held = []
        self._failed: defaultdict[tuple[str, int | str | None], _Held] = defaultdict(list)
        self._failures = 0

    def offer(self, result: Result) -> None:
        """Add a result; if there are now more results than the limit, drop one of them."""
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
        # Drop a failure of the kind that has most failures. If two kinds have equally many, choose
        # the kind whose last row is later in the input, whatever the order of arrival was.
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
