"""Lines of text that the strips of a wide picture cut in two, joined again.

A wide long image is cut into frames side by side, and no cut misses every line. The documents do
not say what the service makes of that; each frame keeps its halves here, and the picture as a whole
has the lines that a person sees.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import attrs

from aliocr.emulator.engine import Recognized
from aliocr.emulator.layout import joined_text, rate, reading_order

__all__ = ["Strip", "stitched"]

REACH = 0.5
"""How far from the cut a half may end, in line heights: columns stand further apart than twice."""


@attrs.frozen
class Strip:
    """One frame of a wide picture, and what was found in it.

    Args:
        found: In pixels of the whole picture.
        left: Its left edge in the whole picture, in pixels.
        right: Its right edge likewise.
    """

    found: tuple[Recognized, ...]
    left: int
    right: int


def stitched(strips: Sequence[Strip]) -> tuple[Recognized, ...]:
    """What the picture says as a whole, in reading order.

    Args:
        strips: From left to right, at least one. Only those that touch are joined.
    """
    whole = list(strips[0].found)
    for before, strip in pairwise(strips):
        for right in strip.found:
            cut = strip.left
            halves = (left for left in whole if before.right == cut and _meet(left, right, cut))
            left = next(halves, None)
            if left is None:
                whole.append(right)
            else:
                whole[whole.index(left)] = _joined(left, right)
    return reading_order(whole)


def _meet(left: Recognized, right: Recognized, cut: int) -> bool:
    """Both end at the cut, at the same height."""
    height = min(left.h, right.h)
    overlap = min(left.y + left.h, right.y + right.h) - max(left.y, right.y)
    gaps = (cut - (left.x + left.w), right.x - cut)
    return overlap > height / 2 and all(abs(gap) < REACH * height for gap in gaps)


def _joined(left: Recognized, right: Recognized) -> Recognized:
    top = min(left.y, right.y)
    return Recognized(
        text=joined_text((left, right)),
        x=left.x,
        y=top,
        w=right.x + right.w - left.x,
        h=max(left.y + left.h, right.y + right.h) - top,
        confidence=(rate((left, right)) or 0.0) / 100,
    )
