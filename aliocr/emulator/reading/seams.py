"""What a cut between two pieces of a picture has touched: it is read again, and replaced.

All positions here are as in a picture whose pieces are one below the other. Lines may run *across*
this picture, so that a cut divides the letters of a line into upper and lower halves. Or they may
run *along* it, as in a wide picture that was transposed: a cut divides a line between two letters.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

import attrs

from aliocr.emulator.engine import Recognized
from aliocr.text.geometry import line_height

Box: TypeAlias = tuple[float, float, float, float]
"""Left, upper, right and lower edge, in pixels."""

TOUCH = 0.3
"""Maximum distance of a line from a cut that touches it, in line heights. The boxes of an engine
are larger than the letters, or a little smaller."""

AROUND = 2.5
"""Height of what is read again on each side of a cut, in line heights: the lines at the cut, whole.
"""

MIN_AROUND = 32
"""The same in pixels, at least. Of a line that was cut lengthwise, nothing may have been found."""

MARGIN = 0.5
"""Margin around the box of a line that is read again, in line heights."""

SAME = 0.8
"""Minimum share of the smaller of two boxes that is within the other one, if both have one text.
Two lines that are slanted by 3 degrees have up to two thirds of their boxes in common."""

MIN_FOUND = 0.7
"""Minimum length of what is found again of a line, as a share of what was found at first."""


def transposed(line: Recognized) -> Recognized:
    """Return a line as in the picture whose rows are the columns of its picture, and back."""
    return attrs.evolve(line, x=line.y, y=line.x, w=line.h, h=line.w)


@attrs.frozen
class Seam:
    """A cut that goes through ink.

    Args:
        place: Vertical position of the cut, in pixels.
        along: True if the lines run along the picture, False if they run across.
    """

    place: int
    along: bool

    def damage(self, found: Iterable[Recognized]) -> list[tuple[Box, Sequence[Recognized]]]:
        """Return what must be read again, each with the lines that it replaces.

        The boxes may reach over the edges of the picture.
        """
        lines = list(found)
        touching = [line for line in lines if self._touches(line)]
        if not self.along:
            return [(self._around(touching, lines), touching)]
        return [(self._along(group), group) for group in _level(touching)]

    def _touches(self, line: Recognized) -> bool:
        reach = TOUCH * self._thickness(line)
        return line.y - reach < self.place < line.y + line.h + reach

    def _thickness(self, line: Recognized) -> float:
        return line.w if self.along else line.h

    def _around(self, touching: Sequence[Recognized], lines: Sequence[Recognized]) -> Box:
        height = line_height(touching or lines) if lines else 0.0
        reach = max(MIN_AROUND, AROUND * height)
        upper = min([self.place - reach, *(line.y - MARGIN * height for line in touching)])
        lower = max([self.place + reach, *(line.y + line.h + MARGIN * height for line in touching)])
        return (-float("inf"), upper, float("inf"), lower)

    def _along(self, group: Sequence[Recognized]) -> Box:
        thickness = max(line.w for line in group)
        # If only one half was found, the other half may be as long as a word.
        reach = MIN_AROUND if len(group) > 1 else AROUND * thickness
        return (
            min(line.x for line in group) - MARGIN * thickness,
            min([self.place - reach, *(line.y - MARGIN * thickness for line in group)]),
            max(line.x + line.w for line in group) + MARGIN * thickness,
            max([self.place + reach, *(line.y + line.h + MARGIN * thickness for line in group)]),
        )

    def mended(
        self,
        found: Sequence[Recognized],
        touching: Sequence[Recognized],
        again: Iterable[Recognized],
    ) -> list[Recognized]:
        """Return the lines, of which some are replaced by those that were read again."""
        if self.along:
            new = [line for line in again if self._continues(line, touching)]
            if sum(line.h for line in new) < MIN_FOUND * sum(line.h for line in touching):
                return list(found)
            gone = set(map(id, touching))
        else:
            new = [line for line in again if self._touches(line)]
            gone = set()
        kept = (line for line in found if id(line) not in gone)
        return [line for line in kept if not any(_same(line, other) for other in new)] + new

    def _continues(self, line: Recognized, touching: Sequence[Recognized]) -> bool:
        """Return whether a line is of this text, not of a line beside it, of which it is a part."""
        left, right = min(each.x for each in touching), max(each.x + each.w for each in touching)
        start, stop = min(each.y for each in touching), max(each.y + each.h for each in touching)
        return left < line.x + line.w / 2 < right and (
            start < line.y + line.h / 2 < stop or line.y < self.place < line.y + line.h
        )


def _level(lines: Sequence[Recognized]) -> list[list[Recognized]]:
    """Return the lines in groups, each of one line of text that runs along the picture."""
    groups: list[list[Recognized]] = []
    for line in sorted(lines, key=lambda line: line.x + line.w / 2):
        last = groups[-1][-1] if groups else None
        if last is not None and line.x + line.w / 2 < last.x + last.w:
            groups[-1].append(line)
        else:
            groups.append([line])
    return groups


def _same(one: Recognized, other: Recognized) -> bool:
    width = min(one.x + one.w, other.x + other.w) - max(one.x, other.x)
    height = min(one.y + one.h, other.y + other.h) - max(one.y, other.y)
    smaller = min(one.w * one.h, other.w * other.h)
    return width > 0 and height > 0 and width * height > SAME * smaller
