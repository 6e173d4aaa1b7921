"""Boxes of text on a page, and the gaps between the boxes."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from typing import Any, Generic, Protocol, TypeAlias, TypeVar, cast

import attrs


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


def turned(piece: P, turn: int) -> P:
    """Return a piece as it is placed after its page was turned around the upper left corner.

    Args:
        piece: An attrs object.
        turn: Angle clockwise in degrees: 90, 180 or 270. Another angle turns nothing.
    """
    x, y, w, h = piece.x, piece.y, piece.w, piece.h
    match turn:
        case 90:
            x, y, w, h = -y - h, x, h, w
        case 180:
            x, y = -x - w, -y - h
        case 270:
            x, y, w, h = y, -x - w, h, w
        case _:
            return piece
    placed: P = attrs.evolve(cast("Any", piece), x=x, y=y, w=w, h=h)
    return placed


StraightBoxes: TypeAlias = Sequence[StraightBox[P]]


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
