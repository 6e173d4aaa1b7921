"""Divides lines that the detector of an engine took for one, though they are in two columns.

The detector sees a smaller picture, in which a narrow gutter looks like a blank between two words.
But the gutter is at the same place in many lines, and blanks between words are not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Pixels: TypeAlias = "NDArray[np.uint8]"
Boxes: TypeAlias = "NDArray[np.float32]"

EDGE = 0.15
"""Share of the height of a box, at the top and at the bottom, that may have ink of other lines."""

MIN_INK = 0.3
"""Minimum difference of ink from the paper, as a share of the contrast in the box."""

MIN_CONTRAST = 40
"""Minimum contrast of text, in levels of grey. What differs less is noise."""

MIN_BLANK = 0.5
"""Minimum width of a gutter, in heights of the box."""

REACH = 5.0
"""The lines above and below a line that show a gutter are at most so far away, in heights."""

BESIDE = 0.5
"""Maximum distance from a gutter to the box of a line that ends or begins there, in heights."""

MIN_LINES, MIN_SHARE = 4, 0.8
"""Minimum number of these lines, and minimum share of them that have a blank at the place of a
gutter."""


def at_gutters(picture: Pixels, boxes: Boxes) -> list[list[Boxes]]:
    """Return the parts of each box, from left to right: the box alone if no gutter crosses it.

    Args:
        picture: The picture, in grey or with a channel per colour.
        boxes: The four corners of each box, from the upper left corner, clockwise, in pixels.
    """
    spans = [(*box.min(axis=0), *box.max(axis=0)) for box in boxes]
    blanks = [_blanks(picture, *span) for span in spans]
    found = []
    for box, (_, top, _, bottom), own in zip(boxes, spans, blanks, strict=True):
        height = bottom - top
        near = [
            (left, right, others)
            for (left, upper, right, lower), others in zip(spans, blanks, strict=True)
            if others is not own and abs(upper + lower - top - bottom) < 2 * REACH * height
        ]
        gutters = [blank for blank in own if _persists(*blank, near, BESIDE * height)]
        found.append(_parts(box, gutters, height / 5))
    return found


def _blanks(
    picture: Pixels, left: float, top: float, right: float, bottom: float
) -> list[tuple[int, int]]:
    """Return start and end of each wide blank within a box, in pixels of the picture."""
    edge = EDGE * (bottom - top)
    x, y = max(0, int(left)), max(0, int(top + edge))
    part = picture[y : int(bottom - edge) + 1, x : int(right) + 1]
    part = part.reshape(*part.shape[:2], -1).mean(axis=2)
    if not part.size:
        return []
    contrast = max(MIN_CONTRAST, np.ptp(part))
    ink = np.flatnonzero((np.abs(part - np.median(part)) > MIN_INK * contrast).any(axis=0))
    wide = np.flatnonzero(np.diff(ink) > MIN_BLANK * (bottom - top))
    return [(x + int(ink[at]) + 1, x + int(ink[at + 1])) for at in wide]


def _persists(
    start: int, end: int, near: list[tuple[float, float, list[tuple[int, int]]]], beside: float
) -> bool:
    """Return whether the lines near a blank are blank at its place too, or end and begin there."""
    middle = (start + end) / 2
    crossed = blank = ended = begun = 0
    for left, right, blanks in near:
        if left < start and end < right:
            crossed += 1
            blank += any(begin < middle < stop for begin, stop in blanks)
        ended += start - beside < right < end
        begun += start < left < end + beside
    lines = min(ended, begun)
    return crossed + lines + 1 >= MIN_LINES and blank + lines >= MIN_SHARE * (crossed + lines)


def _parts(box: Boxes, gutters: list[tuple[int, int]], margin: float) -> list[Boxes]:
    """Divide a box at the gutters; the parts reach a little into the gutter, as boxes do."""
    parts = []
    rest = box
    for start, end in gutters:
        inner = min(margin, (end - start) / 3)
        parts.append(_cut(rest, rest[0][0], start + inner))
        rest = _cut(rest, end - inner, rest[1][0])
    return [*parts, rest]


def _cut(box: Boxes, start: float, end: float) -> Boxes:
    """Return the part of a slanted box from `start` to `end`, which are horizontal positions."""
    upper_left, upper_right, lower_right, lower_left = box
    from_left, to_end = (
        (place - upper_left[0]) / (upper_right[0] - upper_left[0]) for place in (start, end)
    )
    upper, lower = upper_right - upper_left, lower_right - lower_left
    return np.array(
        [
            upper_left + from_left * upper,
            upper_left + to_end * upper,
            lower_left + to_end * lower,
            lower_left + from_left * lower,
        ],
        dtype=box.dtype,
    )
