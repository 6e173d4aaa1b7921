"""The numbers of boxes: their look, and places where they hide nothing."""

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
"""Used one after the other, so that neighbours differ: dark enough for white numbers, and set off
from any picture by a white line."""

WHITE = (255, 255, 255)

ROUNDING = 4
"""Factor by which the shape of a tag is drawn larger, for smooth corners."""


@attrs.frozen
class Rectangle:
    """Pixels from `left` to `right` and from `top` to `bottom`, without the end."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def pixels(self) -> tuple[slice, slice]:
        """Rows and columns of the rectangle in an array."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def contains(self, other: Rectangle) -> bool:
        """Return True if no pixel of the other rectangle is outside."""
        return (
            self.left <= other.left
            and self.top <= other.top
            and other.right <= self.right
            and other.bottom <= self.bottom
        )

    def grown(self, by: int) -> Rectangle:
        """Return the rectangle, larger by some pixels on each side."""
        return Rectangle(self.left - by, self.top - by, self.right + by, self.bottom + by)


def colour_of(number: int) -> tuple[int, int, int]:
    """Return the colour of a box and of its number."""
    return COLOURS[(number - 1) % len(COLOURS)]


class Tags:
    """White numbers on rounded chips of their colours; sizes in pixels."""

    def __init__(self, face: Face, size: int) -> None:
        self._face = face
        self._size = size
        self._shapes: dict[tuple[int, int], Image.Image] = {}
        self.height = round(1.3 * size)

    def width(self, number: int) -> int:
        """Return the width of the tag of a number, in pixels."""
        digits = sum(self._face.width(digit, self._size) for digit in str(number))
        return max(self.height, round(digits + 0.6 * self._size))

    def draw(self, page: Image.Image, place: tuple[int, int], number: int) -> None:
        """Draw the tag of a number; `place` is its upper left corner."""
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
    """Yield the place of each box's tag: beside the box, where it hides no text and no other tag.

    A box has an outline of `line` pixels. No coordinate of the room is negative.
    """
    taken = np.zeros((room.bottom, room.right), np.bool_)
    for _, box in boxes:
        taken[box.pixels] = True
    for number, box in boxes:
        w, h = tags.width(number), tags.height
        # If no place beside the box is in the room: the box's corner, moved into the room.
        x = max(room.left, min(box.left, room.right - w))
        y = max(room.top, min(box.top, room.bottom - h))
        best, least = Rectangle(x, y, x + w, y + h), w * h + 1
        for tag in _beside(box.grown(line + 1), w, h):
            if not room.contains(tag):
                continue
            # The first tag that hides least.
            if (hidden := int(np.count_nonzero(taken[tag.pixels]))) < least:
                best, least = tag, hidden
            if not hidden:
                break
        taken[best.pixels] = True
        yield best.left, best.top


def _beside(box: Rectangle, w: int, h: int) -> Iterator[Rectangle]:
    """Yield places around a box, best first: before it, above it, after it, below it, corners."""
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
