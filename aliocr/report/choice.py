"""Which rows a page shows, if there are more than it has room for."""

from __future__ import annotations

from collections import defaultdict
from heapq import heappop, heappush
from typing import TypeAlias

from aliocr.job.output.result import Result

FOR_THOSE_READ = 10
"""One place of so many is not for failures: some of what was read is on every page."""

_Held: TypeAlias = list[tuple[int, int, Result]]
"""A heap, the last row of the input on top; the second number tells those of one row apart."""


class RowChoice:
    """Holds as many rows as a page shows, of any number that come by.

    Failures come first, as they are what one looks for; of failures of several reasons some of
    each. Else the first rows of the input are held, in whichever order they come.

    Args:
        limit: How many, at least 1.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._came = 0
        self._read: _Held = []
        self._failed: defaultdict[tuple[str, int | str | None], _Held] = defaultdict(list)
        self._failures = 0

    def offer(self, result: Result) -> None:
        """Hold one more, and let go of another if that is one too many."""
        if result.ok:
            held = self._read
        else:
            held = self._failed[result.kind, result.code]
            self._failures += 1
        self._came += 1
        heappush(held, (-result.row, self._came, result))
        if len(self._read) + self._failures > self._limit:
            self._let_go()

    def _let_go(self) -> None:
        if len(self._read) > self._limit // FOR_THOSE_READ:
            heappop(self._read)
            return
        # Of kinds as large, that whose rows go on furthest: the order they came in decides nothing.
        failed = self._failed
        largest = max(failed, key=lambda kind: (len(failed[kind]), -failed[kind][0][0]))
        heappop(failed[largest])
        if not failed[largest]:
            del failed[largest]
        self._failures -= 1

    def rows(self) -> list[Result]:
        """Those that are held, in the order of the input."""
        held = [self._read, *self._failed.values()]
        found = sorted((-row, came, result) for heap in held for row, came, result in heap)
        return [result for _, _, result in found]
