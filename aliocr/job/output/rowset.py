"""A set of row numbers: all numbers up to a certain row, and one byte for each number after it."""

from __future__ import annotations

from collections.abc import Iterable


class RowSet:
    """A set of numbers from 1 up.

    All numbers up to `through` are members from the start. Each number after that takes a byte, up
    to the highest member. `advance` frees the bytes before the first gap, so numbers should be
    added mostly in rising order.
    """

    def __init__(self, rows: Iterable[int] = (), *, through: int = 0) -> None:
        self._through = through
        self._behind = bytearray()  # a byte for each number after `_through`; 1 for a member
        self.update(rows)

    def __contains__(self, row: int) -> bool:
        at = row - self._through - 1
        return at < 0 or (at < len(self._behind) and self._behind[at] == 1)

    def update(self, rows: Iterable[int]) -> None:
        """Add numbers."""
        behind, base = self._behind, self._through + 1
        for row in rows:
            at = row - base
            if at >= len(behind):
                behind.extend(bytes(at + 1 + len(behind) // 8 - len(behind)))
            if at >= 0:
                behind[at] = 1

    def advance(self) -> int:
        """Return the number up to which all numbers are members; free the bytes up to it."""
        whole = self._behind.find(0)
        if whole < 0:
            whole = len(self._behind)
        del self._behind[:whole]
        self._through += whole
        return self._through

    @property
    def least(self) -> int | None:
        """The lowest member above the last result of `advance`; None without such a member."""
        at = self._behind.find(1)
        return None if at < 0 else self._through + 1 + at

    @property
    def most(self) -> int | None:
        """The highest member above the last result of `advance`; None without such a member."""
        at = self._behind.rfind(1)
        return None if at < 0 else self._through + 1 + at
