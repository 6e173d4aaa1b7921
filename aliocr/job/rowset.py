"""A set of row numbers, at a bit each: a million of them are 125 kB."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["RowSet"]


class RowSet:
    """Numbers from 0 up.

    Args:
        rows: What is in it at first.
    """

    def __init__(self, rows: Iterable[int] = ()) -> None:
        self._bits = bytearray()
        for row in rows:
            self.add(row)

    def __contains__(self, row: int) -> bool:
        byte = row >> 3
        return byte < len(self._bits) and bool(self._bits[byte] >> (row & 7) & 1)

    def add(self, row: int) -> None:
        """Put a number in."""
        byte = row >> 3
        if byte >= len(self._bits):
            self._bits.extend(bytes(byte + 1 + len(self._bits) // 8 - len(self._bits)))
        self._bits[byte] |= 1 << (row & 7)
