"""Skew: the straightening of a page that was scanned a little turned, or photographed from a side.

On a straight page, the lines of a column begin and end below each other, and the cells of a row
stand at one height: the page is *regular*. So several slopes are tried. Those at which the page is
most regular are then corrected by the pieces that stand side by side.
"""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Iterable
from operator import mul

import attrs

from aliocr.text.geometry import P, StraightBox, StraightBoxes, line_height
from aliocr.text.letters import is_cjk

MIN_BOXES = 4
"""Minimum number of pieces on a page that is straightened."""

SLOPES = (0.02, 0.035, 0.05, 0.065, 0.08, 0.095, 0.11)
"""Slopes that are tried, to one side: about 1 to 6 degrees. A smaller slope does not disturb the
reading order."""

PROBE = 0.05
"""Slope of 3 degrees. A page is compared with itself at this slope, to find out to which side it is
turned."""

CLEAR = 1.3
"""Minimum ratio of the regularity of a page to its regularity at `PROBE`, to either side, by which
it is known to be straight."""

BEST = 3
"""Number of slopes that are corrected."""

SMALL = 0.8
"""Height of low letters, in letter sizes."""

STEEP = 8
"""A line that rises makes its box higher. So each box has a slope that its line cannot exceed. All
but one of so many boxes have a slope of at least that of the page, also if an engine is wrong."""

SAME_PLACE = 0.5
"""Width of the steps in which places are compared, in letter sizes."""

SAME_ROW = 0.6
"""Maximum difference in height of two pieces that may be one row, in line heights."""

NEXT = 8
"""Number of pieces, in order of height, among which those beside a piece are looked for."""

ROWS = 2
"""Weight of the regularity of the rows. That of the columns counts once for each of two edges."""

MAX_BEND, MAX_FAN = 0.045, 0.1
"""Maximum difference between the slope of the rows, in the middle of the page, and the slope of the
columns; and maximum difference between the slopes of the highest and the lowest row. Beyond these,
a correction has taken pieces of different rows for one row."""

MIN_LINKS, MIN_FAN_LINKS = 3, 8
"""Minimum number of pairs of pieces side by side by which a slope is corrected, and a fan."""


def straightened(boxes: StraightBoxes[P]) -> StraightBoxes[P]:
    """Return the boxes at the places that they would have if the page were not turned."""
    if len(boxes) < MIN_BOXES or not _are_finite(boxes):
        return boxes
    page = _Edges.of(boxes)
    slopes = [slope for slope in SLOPES if slope <= page.steepest]
    if not slopes:
        return boxes
    upright, left, right = (page.columns(slope) + page.rows(slope) for slope in (0, -PROBE, PROBE))
    if upright > CLEAR * max(left, right):
        return boxes
    way = math.copysign(1.0, right - left)
    found = sorted((page.columns(way * slope) + page.rows(way * slope), slope) for slope in slopes)
    best = max(
        (page.columns(way * slope) + page.rows(*skew), way * slope, *skew)
        for _, slope in found[-BEST:]
        for skew in [page.corrected(way * slope)]
    )
    return _turned(boxes, page.letter, *best[1:]) if best[0] > upright else boxes


def _are_finite(boxes: StraightBoxes[P]) -> bool:
    return all(math.isfinite(each.x + each.y + each.w + each.h) for each in boxes)


def _turned(
    boxes: StraightBoxes[P], letter: float, lean: float, slope: float, fan: float
) -> StraightBoxes[P]:
    """Return the boxes, turned back around the upper left corner of the first box.

    Args:
        boxes: The boxes.
        letter: Height of a letter in pixels, which is the minimum height of a box.
        lean: Slope of the columns.
        slope: Slope of the rows at the height of the first box.
        fan: Growth of the slope of the rows, per pixel of height.
    """
    found = []
    for each in boxes:
        h = min(each.h, max(each.h - abs(slope) * each.w, letter))
        across, down = each.x - boxes[0].x, each.middle - boxes[0].middle
        middle = down - (slope + fan * down) * (across + each.w / 2)
        found.append(StraightBox(each.piece, across + lean * down, middle - h / 2, each.w, h))
    return found


@attrs.frozen
class _Edges:
    """The edges and centres of all boxes, in pixels from the first box.

    In a picture taken from a side, the rows spread like a fan, and the columns have another slope
    than the rows. The skew of the rows is their slope at the height of the first box, and their
    *fan*, which is the growth of this slope per pixel of height.
    """

    lefts: list[float]
    rights: list[float]
    middles: list[float]
    line: float
    letter: float
    steepest: float

    @classmethod
    def of(cls, boxes: StraightBoxes[P]) -> _Edges:
        first = boxes[0]
        letters = [
            each.w / max(1, len(each.piece.text)) * (1 if is_cjk(each.piece.text[:1] or " ") else 2)
            for each in boxes
        ]
        limits = sorted(
            (each.h - SMALL * letter) / (each.w or 1.0)
            for each, letter in zip(boxes, letters, strict=True)
        )
        return cls(
            [each.x - first.x for each in boxes],
            [each.x + each.w - first.x for each in boxes],
            [each.middle - first.middle for each in boxes],
            line_height(boxes),
            statistics.median(letters) or 1.0,
            limits[len(limits) // STEEP],
        )

    def columns(self, slope: float) -> int:
        """Return how regular the left and the right edges are at a slope."""
        step = SAME_PLACE * self.letter
        return sum(
            _alike([(x + slope * y) // step for x, y in zip(edges, self.middles, strict=True)])
            for edges in (self.lefts, self.rights)
        )

    def rows(self, slope: float, fan: float = 0.0) -> int:
        """Return how regular the rows are at a skew."""
        step = SAME_PLACE * self.letter
        return ROWS * _alike([y // step for y in self._heights(slope, fan)])

    def _heights(self, slope: float, fan: float) -> list[float]:
        return [
            y - (slope + fan * y) * (left + right) / 2
            for left, right, y in zip(self.lefts, self.rights, self.middles, strict=True)
        ]

    def corrected(self, slope: float) -> tuple[float, float]:
        """Return the skew at which those pieces are level that are nearly level at a slope.

        Return the slope itself if the pieces are not those of rows.
        """
        lean, fan = slope, 0.0
        for _ in range(2):
            more, wider = self._rest(slope, fan)
            slope, fan = slope + more, fan + wider
        depth = max(self.middles) - min(self.middles)
        centre = (max(self.middles) + min(self.middles)) / 2
        middle = slope + fan * centre
        too_bent = abs(middle - lean) > MAX_BEND or abs(fan) * depth > MAX_FAN
        if too_bent or abs(middle) > self.steepest:
            return lean, 0.0
        return slope, fan

    def _rest(self, slope: float, fan: float) -> tuple[float, float]:
        """Return the skew that is left; the upper and the lower half of the page show the fan."""
        ordered = sorted(zip(self._heights(slope, fan), self.lefts, self.rights, strict=True))
        found = []
        for place, (y, left, right) in enumerate(ordered):
            for other_y, other_left, other_right in ordered[place + 1 : place + NEXT]:
                if other_y - y > SAME_ROW * self.line:
                    break
                if other_left > right or left > other_right:
                    run = (other_left + other_right - left - right) / 2
                    found.append((y, (other_y - y) / run))
        slopes = [slope for _, slope in found]
        if len(found) < MIN_FAN_LINKS:
            return statistics.median(slopes) if len(found) >= MIN_LINKS else 0.0, 0.0
        half = len(found) // 2
        upper, lower = statistics.median(slopes[:half]), statistics.median(slopes[half:])
        start, end = found[half // 2][0], found[half + half // 2][0]
        wider = (lower - upper) / (end - start) if end > start else 0.0
        return upper - wider * start, wider


def _alike(places: Iterable[float]) -> int:
    """Return the number of pairs of equal places."""
    numbers = Counter(places).values()
    return sum(map(mul, numbers, numbers))
