"""Divides a picture that is too long for an engine into pieces, at places without ink."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import attrs
import numpy as np
from PIL import Image

from aliocr.pictures.frames import is_long
from aliocr.pictures.picture import PictureFrame

WHOLE_SIDE = 2000
"""A long picture is read uncut up to this length, in pixels. The engine looks for its
lines at about half its size, and again at its full size if the letters are small. A longer picture
would be made smaller even then, and small letters would be lost."""

WHOLE_RATIO = 30
"""Maximum ratio of the sides of a picture that is read uncut. The engine reads a line of text that
is 50 times as wide as high, but not a longer one."""

PIECE_SIDE = 960
"""Usual length of a piece, in pixels: the detector sees it in its full size."""

REACH = 0.25
"""A cut may move to a place without ink. This is its maximum distance, in lengths of a piece."""

MIN_SIDE = 16
"""Minimum of the shorter side of which the lengths of pieces are a multiple, in pixels. A picture
with a shorter side has no text, and need not have thousands of pieces."""

NOISE, MIN_NOISE = 0.15, 12
"""Maximum contrast of a line of pixels without ink, as a share of the contrast around the cut, and
in levels of grey. A JPEG has some contrast beside its letters."""

MIN_BLANK = 3
"""Minimum width of a place without ink, in pixels."""

WIDER = 10
"""A place without ink may be so many pixels farther away for each pixel that it is wider: the gap
between two words is better than the gap between two letters."""


@attrs.frozen
class Cut:
    """A cut through a picture, across its longer side.

    Args:
        place: Position along the longer side, in pixels.
        is_blank: True if the cut goes through no ink.
    """

    place: int
    is_blank: bool


def cuts(picture: Image.Image) -> Sequence[Cut]:
    """Return the cuts between the pieces of a picture; none if an engine can read it uncut."""
    side, short = max(picture.size), max(MIN_SIDE, min(picture.size))
    if not is_long(*picture.size) or (side <= WHOLE_SIDE and side <= WHOLE_RATIO * short):
        return ()
    count = round(side / max(short, min(PIECE_SIDE, WHOLE_RATIO * short * 2 // 3)))
    reach = int(REACH * side / count)
    return [_cut(picture, number * side // count, reach) for number in range(1, count)]


def pieces(picture: Image.Image, cuts: Sequence[Cut]) -> Iterator[PictureFrame]:
    """Yield the pieces of a picture between these cuts, from its start to its end."""
    places = [0, *(cut.place for cut in cuts), max(picture.size)]
    for index, (start, stop) in enumerate(pairwise(places)):
        if is_tall(picture):
            box = (0, start, picture.width, stop)
        else:
            box = (start, 0, stop, picture.height)
        yield PictureFrame(index, picture.crop(box), *box[:2])


def is_tall(picture: Image.Image) -> bool:
    """Return whether the pieces of a picture are one below the other."""
    return picture.height > picture.width


def _cut(picture: Image.Image, near: int, reach: int) -> Cut:
    """Return the best cut near a position along the longer side."""
    start = near - reach
    if is_tall(picture):
        window = picture.crop((0, start, picture.width, near + reach))
        lines = np.asarray(window.convert("L"), np.int16)
    else:
        window = picture.crop((start, 0, near + reach, picture.height))
        lines = np.asarray(window.convert("L"), np.int16).T
    steps = np.abs(np.diff(lines, axis=1))
    if not steps.size:
        return Cut(near, is_blank=True)
    contrast = steps.max(axis=1)
    blank = contrast <= max(MIN_NOISE, NOISE * contrast.max())
    edges = np.flatnonzero(np.diff(np.concatenate(([False], blank, [False]))))
    begins, ends = edges[::2], edges[1::2]
    wide = ends - begins >= MIN_BLANK
    if not wide.any():
        return Cut(start + int(steps.sum(axis=1).argmin()), is_blank=False)
    begins, ends = begins[wide], ends[wide]
    middles = (begins + ends) // 2
    # A gap that is wider than a fifth of the picture's shorter side is not better for it.
    widths = np.minimum(ends - begins, min(picture.size) // 5 + MIN_BLANK)
    best = int((WIDER * widths - np.abs(middles - reach)).argmax())
    # In a wide gap the cut is near its wished place, and away from the letters.
    margin = min(int(ends[best] - begins[best]) // 2, min(picture.size) // 2)
    place = np.clip(reach, begins[best] + margin, ends[best] - margin)
    return Cut(start + int(place), is_blank=True)
