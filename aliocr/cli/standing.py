"""Lines that stand below everything else on a terminal, and change."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TextIO

import attrs

__all__ = ["Drawn", "StandingLines", "columns_of", "size_of"]

UP = "\x1b[{}A"
ERASE_BELOW = "\x1b[J"
ERASE_REST = "\x1b[K"


@attrs.frozen
class Drawn:
    """A line as it is sent, and the columns it takes."""

    text: str
    width: int


@attrs.define
class StandingLines:
    """What to send to a terminal so that its last lines change in place.

    The cursor stays visible and waits below them, in the first column. So the ^C that a terminal
    writes does no harm, and a process that is killed leaves a screen to go on with.
    """

    _widths: tuple[int, ...] = attrs.field(default=(), init=False)

    def frame(self, lines: Sequence[Drawn], columns: int) -> str:
        """These lines in the place of those before.

        They are written over, not erased first, which would flicker.
        """
        start = self._back(columns)
        self._widths = tuple(line.width for line in lines)
        return start + "".join(f"{line.text}{ERASE_REST}\n" for line in lines) + ERASE_BELOW

    def gone(self, columns: int) -> str:
        """Nothing in their place."""
        start = self._back(columns)
        drawn, self._widths = self._widths, ()
        return start + ERASE_BELOW if drawn else ""

    def forget(self) -> None:
        """Something else has been written below them: they stay, and the next begin anew."""
        self._widths = ()

    def _back(self, columns: int) -> str:
        """To where they begin: a line that a narrower terminal has wrapped takes several rows."""
        rows = sum(max(1, -(-width // columns)) for width in self._widths)
        return f"\r{UP.format(rows)}" if rows else "\r"


def columns_of(stream: TextIO | None) -> int | None:
    """Columns of the terminal that a stream is; None if it is none."""
    try:
        return size_of(stream.fileno())[0] if stream is not None and stream.isatty() else None
    except (OSError, ValueError):
        return None


def size_of(descriptor: int | None) -> tuple[int, int]:
    """Columns and rows of a terminal now, whatever COLUMNS says of another time."""
    try:
        columns, rows = os.get_terminal_size(2 if descriptor is None else descriptor)
    except OSError:
        return 80, 24
    return columns or 80, rows or 24
