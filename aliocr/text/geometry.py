"""Boxes of text on a page, and the white between them; a page that lies askew is put straight."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from typing import Generic, Protocol, TypeAlias, TypeVar

import attrs

# Lengths in line heights.
MIN_SPREAD = 3.0
"""By how much a line must be longer than another to say how far a page is turned."""

MIN_PAIRS = 3
MIN_PAIRS_SHARE = 1 / 8
"""Of all pieces: a headline or two say nothing."""

MIN_SLOPE, MAX_SLOPE = 0.006, 0.18
"""A third of a degree, at which nothing is lost yet, and ten degrees."""

MORE_WHITE = 1.2
"""How much more there must be on a page that was turned back. A single column shows no more, and is
read rightly as it lies."""


class Placed(Protocol):
    """A text in its box, in pixels from the upper left: a `Region` or a `Recognized`."""

    @property
    def text(self) -> str:
        """The text."""
        ...

    @property
    def x(self) -> float:
        """Left edge."""
        ...

    @property
    def y(self) -> float:
        """Upper edge."""
        ...

    @property
    def w(self) -> float:
        """Width."""
        ...

    @property
    def h(self) -> float:
        """Height."""
        ...


P = TypeVar("P", bound=Placed)


@attrs.frozen(eq=False)
class Box(Generic[P]):
    """A piece, and where it would be if its page lay straight."""

    piece: P
    x: float
    y: float
    w: float
    h: float

    @property
    def middle(self) -> float:
        """Halfway between its upper and lower edge."""
        return self.y + self.h / 2


Boxes: TypeAlias = Sequence[Box[P]]


def straightened(regions: Sequence[P]) -> Boxes[P]:
    """The boxes as they would be on a page that is not turned.

    Turned a little, a piece moves by its distance from the middle, and its upright box grows by its
    width: long lines more than short ones. That says how far; which way, the white between says.
    """
    slope = _slope(regions)
    if not slope:
        return [Box(each, each.x, each.y, each.w, each.h) for each in regions]
    still, *turned = (
        [_turned(each, regions, slope, way) for each in regions] for way in (0.0, slope, -slope)
    )
    best = max(turned, key=_white)
    return best if _white(best) >= MORE_WHITE * _white(still) else still


def _turned(region: P, page: Sequence[P], slope: float, way: float) -> Box[P]:
    """One piece turned back so far; far is measured from the first of the page."""
    h = max(region.h - slope * region.w, region.h / 4)
    across, down = region.x - page[0].x, region.y + region.h / 2 - page[0].y
    middle = down - way * (across + region.w / 2)
    return Box(region, across + way * down, middle - h / 2, region.w, h)


def _slope(regions: Sequence[Placed]) -> float:
    """How much higher a box is for each pixel that it is wider: the median of short and long."""
    ordered = sorted(regions, key=lambda each: each.w)
    half = len(ordered) // 2
    least = max(MIN_SPREAD * line_height(regions), 0.0) if regions else 0.0
    slopes = [
        (long.h - short.h) / (long.w - short.w)
        for short, long in zip(ordered[:half], ordered[len(ordered) - half :], strict=True)
        if long.w - short.w > least
    ]
    slope = (
        statistics.median(slopes)
        if len(slopes) >= max(MIN_PAIRS, MIN_PAIRS_SHARE * len(ordered))
        else 0.0
    )
    return slope if MIN_SLOPE <= slope <= MAX_SLOPE else 0.0


def _white(boxes: Boxes[P]) -> float:
    """Pixels across and down that no box covers."""
    across = sum(gap for gap, _ in gaps((each.x, each.x + each.w) for each in boxes))
    down = sum(gap for gap, _ in gaps((each.y, each.y + each.h) for each in boxes))
    return across + down


def gaps(spans: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """The stretches that no span covers, in order: how wide each is, and where it ends."""
    ordered = sorted(spans)
    found = []
    covered = max(ordered[0])
    for start, stop in ordered[1:]:
        if start > covered:
            found.append((start - covered, start))
        covered = max(covered, stop)
    return found


def widest(stretches: Iterable[tuple[float, float]]) -> tuple[float, float]:
    """The first of the widest gaps; none, and nowhere, if there is none."""
    return max(stretches, key=lambda gap: gap[0], default=(-math.inf, math.inf))


def line_height(group: Sequence[Placed] | Boxes[P]) -> float:
    """The median height, which headlines and specks do not shift."""
    return statistics.median(each.h for each in group)
