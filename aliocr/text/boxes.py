"""Boxes in whole pixels, and the share of a box that a word has."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

import attrs

from aliocr.models import Region
from aliocr.text.geometry import turned
from aliocr.text.vertical import MIN_TALL

MOST = 2**31 - 1
"""Maximum coordinate, in pixels. Other programs can store this integer, and any picture is smaller
than this."""


@attrs.frozen
class PixelBox:
    """A box in whole pixels from the upper left corner of the picture.

    `right` and `bottom` are the first pixels outside the box. Any box has a pixel at least, because
    OCRmyPDF leaves out a line that has none.
    """

    left: int
    top: int
    right: int
    bottom: int

    def __str__(self) -> str:
        return f"bbox {self.left} {self.top} {self.right} {self.bottom}"

    @classmethod
    def around(cls, left: float, top: float, right: float, bottom: float) -> PixelBox:
        """Return the smallest box of whole pixels around these edges, within 0 and `MOST`."""
        left, top = (min(max(0, math.floor(edge)), MOST - 1) for edge in (left, top))
        right, bottom = (min(math.ceil(edge), MOST) for edge in (right, bottom))
        return cls(left, top, max(left + 1, right), max(top + 1, bottom))

    @classmethod
    def over(cls, boxes: Sequence[PixelBox]) -> PixelBox:
        """Return the smallest box around at least one box."""
        return cls(
            min(each.left for each in boxes),
            min(each.top for each in boxes),
            max(each.right for each in boxes),
            max(each.bottom for each in boxes),
        )

    def within(self, page: PixelBox) -> PixelBox:
        """Return the part of the box that is on the page.

        If no part is on the page, return a pixel at the edge of the page.
        """
        left, top = min(self.left, page.right - 1), min(self.top, page.bottom - 1)
        right, bottom = min(self.right, page.right), min(self.bottom, page.bottom)
        return PixelBox(left, top, max(left + 1, right), max(top + 1, bottom))


def around(regions: Iterable[Region]) -> PixelBox:
    """Return the smallest box around regions; an empty box if there are none."""
    boxes = [(each.x, each.y, each.x + each.w, each.y + each.h) for each in map(real, regions)]
    if not boxes:
        return PixelBox(0, 0, 0, 0)
    left, top, right, bottom = zip(*boxes, strict=True)
    return PixelBox.around(min(left), min(top), max(right), max(bottom))


def real(region: Region) -> Region:
    """Return the region with finite numbers; a reply may have any number, a file even NaN."""
    # The order of the arguments matters: if one of two arguments is NaN, `max` and `min` return the
    # first argument.
    x, y = (min(max(-MOST, edge), MOST) for edge in (region.x, region.y))
    w, h = (min(max(0, length), MOST) for length in (region.w, region.h))
    return Region(region.text, x, y, w, h)


def is_tall(text: str, width: float, height: float) -> bool:
    """Return whether a text of several letters runs down its box: it is vertical, or turned."""
    return height >= MIN_TALL * width and width_of(text.strip()) > 2


def words_of(region: Region, turn: int = 0) -> Iterator[Region]:
    """Yield the words of a region, each with its share of the box, by the width of its letters.

    The words lie from left to right, or one below the other if the region is tall.

    Args:
        region: A region with finite numbers.
        turn: Angle by which the picture must be turned clockwise to be upright, in degrees. The
            words are placed as on the upright picture, in pixels of the picture as it is.
    """
    upright = turned(region, turn)
    x, y, w, h = upright.x, upright.y, upright.w, upright.h
    down = is_tall(region.text, max(1, w), max(1, h))
    length = width_of(region.text) or 1  # the width is 0 if the text has only combining marks
    for found in re.finditer(r"\S+", region.text):
        start, end = (width_of(region.text[:edge]) / length for edge in found.span())
        word = (
            Region(found[0], x, y + h * start, w, h * (end - start))
            if down
            else Region(found[0], x + w * start, y, w * (end - start), h)
        )
        yield turned(word, 360 - turn)


def width_of(text: str) -> int:
    """Return the width of a text in letters: 0 for a combining mark, 2 for a Chinese character."""
    return sum(
        0 if unicodedata.combining(each) else 2 if unicodedata.east_asian_width(each) in "WF" else 1
        for each in text
    )
