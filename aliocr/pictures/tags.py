"""Draw the numbers of boxes as tags, and find places where the tags hide no text.

A tag is a white number on a small coloured rectangle with round corners.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from aliocr.extras import needed
from aliocr.pictures.fonts import Face

with needed("pictures"):
    import numpy as np
    from PIL import Image, ImageDraw

COLOURS = (
    (11, 99, 206),
    (194, 65, 12),
    (15, 123, 63),
    (142, 45, 197),
    (200, 20, 90),
    (0, 112, 122),
)
"""Colours of the boxes. They are used in turn, so that neighbouring boxes have different colours.
Each colour is dark enough for a white number. A white line around each box makes the box
visible on any picture."""

WHITE = (255, 255, 255)

ROUNDING = 4
"""The shape of a tag is drawn larger by this factor and then scaled down, so that its corners are
smooth."""


@attrs.frozen
class Rectangle:
    """A rectangle of pixels. The column `right` and the row `bottom` are just outside it."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def pixels(self) -> tuple[slice, slice]:
        """Slices that select the rectangle in an array of rows and columns."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def contains(self, other: Rectangle) -> bool:
        """Return True if the other rectangle is completely inside this rectangle."""
        return (
            self.left <= other.left
            and self.top <= other.top
            and other.right <= self.right
            and other.bottom <= self.bottom
        )

    def grown(self, by: int) -> Rectangle:
        """Return this rectangle, larger by `by` pixels on each side."""
        return Rectangle(self.left - by, self.top - by, self.right + by, self.bottom + by)


def colour_of(number: int) -> tuple[int, int, int]:
    """Return the colour of the box with this number, and of its tag."""
    return COLOURS[(number - 1) % len(COLOURS)]


class Tags:
    """Draws tags in one font size. All sizes are in pixels."""

    def __init__(self, face: Face, size: int) -> None:
        self._face = face
        self._size = size
        self._shapes: dict[tuple[int, int], Image.Image] = {}
        self.height = round(1.3 * size)

    def width(self, number: int) -> int:
        """Return the width of the tag with this number."""
        digits = sum(self._face.width(digit, self._size) for digit in str(number))
        return max(self.height, round(digits + 0.6 * self._size))

    def draw(self, page: Image.Image, place: tuple[int, int], number: int) -> None:
        """Draw the tag with this number on the page; `place` is its upper left corner."""
        x, y = place
        w, h = self.width(number), self.height
        if (w, h) not in self._shapes:
            large = Image.new("L", (ROUNDING * w, ROUNDING * h))
            edge = (0, 0, ROUNDING * w - 1, ROUNDING * h - 1)
            ImageDraw.Draw(large).rounded_rectangle(edge, ROUNDING * h // 4, fill=255)
            self._shapes[w, h] = large.resize((w, h), Image.Resampling.BOX)
        page.paste(colour_of(number), (x, y), self._shapes[w, h])
        font = self._face.at(self._size)
        ImageDraw.Draw(page).text((x + w / 2, y + h / 2), str(number), WHITE, font, "mm")


def tag_places(
    boxes: Sequence[tuple[int, Rectangle]], tags: Tags, line: int, room: Rectangle
) -> Iterator[tuple[int, int]]:
    """Yield the upper left corner of the tag of each box, beside the box if possible.

    If possible, a tag hides no box and no other tag. If not, it hides as few pixels of boxes and
    tags as possible. All tags are inside `room`, which has no negative coordinates. The outline of
    a box is `line` pixels wide.
    """
    taken = np.zeros((room.bottom, room.right), np.bool_)
    for _, box in boxes:
        taken[box.pixels] = True
    for number, box in boxes:
        w, h = tags.width(number), tags.height
        # This place is used if no place beside the box is inside `room`.
        x = max(room.left, min(box.left, room.right - w))
        y = max(room.top, min(box.top, room.bottom - h))
        best, least = Rectangle(x, y, x + w, y + h), w * h + 1
        for tag in _beside(box.grown(line + 1), w, h):
            if not room.contains(tag):
                continue
            # Of the places that hide the fewest pixels, keep the first place.
            if (hidden := int(np.count_nonzero(taken[tag.pixels]))) < least:
                best, least = tag, hidden
            if not hidden:
                break
        taken[best.pixels] = True
        yield best.left, best.top


def _beside(box: Rectangle, w: int, h: int) -> Iterator[Rectangle]:
    """Yield places for a tag, best first: left, above, right, below, then at corners of the box."""
    middle = (box.top + box.bottom - h) // 2
    for x, y in (
        (box.left - w, middle),
        (box.left, box.top - h),
        (box.right, middle),
        (box.left, box.bottom),
        (box.left - w, box.top - h),
        (box.right - w, box.top - h),
        (box.right - w, box.bottom),
    ):
        yield Rectangle(x, y, x + w, y + h)
