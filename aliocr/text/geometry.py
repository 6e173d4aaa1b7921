"""Boxes of text on a page, the gaps between the boxes, and the straightening of a turned page."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from typing import Generic, Protocol, TypeAlias, TypeVar

import attrs

MIN_SPREAD = 3.0
"""Pairs of a long and a short line show how far a page is turned. This is the minimum difference
between the lengths of the two lines, in line heights."""

MIN_PAIRS = 3
"""Minimum number of such pairs of lines. With fewer pairs, the page is not straightened."""

MIN_PAIRS_SHARE = 1 / 8
"""Minimum ratio of the number of such pairs to the number of pieces of text on the page, because
one or two headlines do not prove that the page is turned."""

MIN_SLOPE, MAX_SLOPE = 0.006, 0.18
"""Minimum and maximum slope of a page that is straightened: a third of a degree and ten degrees. A
smaller slope does not disturb the reading order."""

MORE_WHITE = 1.2
"""Minimum ratio of the size of all gaps on the straightened page to their size on the turned page.
With a smaller ratio, the page is not straightened. An example is a page with a single column, which
is read correctly even if it is turned."""


class PlacedText(Protocol):
    """A text and its box, in pixels from the upper left corner: a `Region` or a `Recognized`."""

    @property
    def text(self) -> str:
        """The text."""

    @property
    def x(self) -> float:
        """Left edge of the box."""

    @property
    def y(self) -> float:
        """Upper edge of the box."""

    @property
    def w(self) -> float:
        """Width of the box."""

    @property
    def h(self) -> float:
        """Height of the box."""


P = TypeVar("P", bound=PlacedText)


@attrs.frozen(eq=False)
class StraightBox(Generic[P]):
    """A piece of text, and its box on the straightened page."""

    piece: P
    x: float
    y: float
    w: float
    h: float

    @property
    def middle(self) -> float:
        """The vertical position of the centre of the box."""
        return self.y + self.h / 2


StraightBoxes: TypeAlias = Sequence[StraightBox[P]]


def straightened(regions: Sequence[P]) -> StraightBoxes[P]:
    """Return the boxes at the places that they would have if the page were not turned.

    On a turned page the box of a long line is higher than the box of a short line. This difference
    shows the angle, but not the direction. So the boxes are turned in both directions; in the right
    direction, the gaps between the boxes are larger.
    """
    slope = _slope(regions)
    if not slope:
        return [StraightBox(each, each.x, each.y, each.w, each.h) for each in regions]
    still = _turned(regions, slope, 0.0)
    best = max((_turned(regions, slope, way) for way in (slope, -slope)), key=_white)
    return best if _white(best) >= MORE_WHITE * _white(still) else still


def _turned(regions: Sequence[P], slope: float, way: float) -> StraightBoxes[P]:
    """Return the boxes, turned back around the upper left corner of the first box."""
    boxes = []
    for each in regions:
        h = max(each.h - slope * each.w, each.h / 4)
        across, down = each.x - regions[0].x, each.y + each.h / 2 - regions[0].y
        middle = down - way * (across + each.w / 2)
        boxes.append(StraightBox(each, across + way * down, middle - h / 2, each.w, h))
    return boxes


def _slope(regions: Sequence[PlacedText]) -> float:
    """Return how many pixels of height a box gains per pixel of width; 0 means do not straighten.

    This is the median of the values of all pairs of a long and a short line.
    """
    ordered = sorted(regions, key=lambda each: each.w)
    half = len(ordered) // 2
    least = max(MIN_SPREAD * line_height(regions), 0.0) if regions else 0.0
    slopes = [
        (long.h - short.h) / (long.w - short.w)
        for short, long in zip(ordered[:half], ordered[len(ordered) - half :], strict=True)
        if long.w - short.w > least
    ]
    if len(slopes) < max(MIN_PAIRS, MIN_PAIRS_SHARE * len(ordered)):
        return 0.0
    slope = statistics.median(slopes)
    return slope if MIN_SLOPE <= slope <= MAX_SLOPE else 0.0


def _white(boxes: StraightBoxes[P]) -> float:
    """Return the total size of the gaps in both directions, in pixels."""
    across = sum(gap for gap, _ in gaps((each.x, each.x + each.w) for each in boxes))
    down = sum(gap for gap, _ in gaps((each.y, each.y + each.h) for each in boxes))
    return across + down


def gaps(spans: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return width and end of each gap between the spans, from the first gap to the last."""
    ordered = sorted(spans)
    found = []
    covered = max(ordered[0])
    for start, stop in ordered[1:]:
        if start > covered:
            found.append((start - covered, start))
        covered = max(covered, stop)
    return found


def widest(stretches: Iterable[tuple[float, float]]) -> tuple[float, float]:
    """Return the widest gap, of equal gaps the first; if there is no gap, a gap of width -∞."""
    return max(stretches, key=lambda gap: gap[0], default=(-math.inf, math.inf))


def line_height(group: Sequence[PlacedText] | StraightBoxes[P]) -> float:
    """Return the median height of the boxes; a few headlines or specks do not change the median."""
    return statistics.median(each.h for each in group)
