"""The numbers of boxes: how they look, and where they stand in the way of nothing."""

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
"""In turn, so that neighbours differ: dark enough for white numbers, and told apart from any
picture by the white line around them."""

WHITE = (255, 255, 255)

ROUNDING = 4
"""Times larger is the shape of a tag drawn, for smooth corners."""


@attrs.frozen
class Rectangle:
    """Pixels from `left` up to and without `right`, and from `top` to `bottom` likewise."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def pixels(self) -> tuple[slice, slice]:
        """Its rows and columns in an array."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def grown(self, by: int) -> Rectangle:
        """The same with so much more on each side."""
        return Rectangle(self.left - by, self.top - by, self.right + by, self.bottom + by)


def colour_of(number: int) -> tuple[int, int, int]:
    """The colour of a box, and of its number wherever it stands."""
    return COLOURS[(number - 1) % len(COLOURS)]


class Tags:
    """Numbers in white on rounded chips of their colours.

    Args:
        face: To write them with.
        size: Of the font, in pixels.
    """

    def __init__(self, face: Face, size: int) -> None:
        self._face = face
        self._size = size
        self._shapes: dict[tuple[int, int], Image.Image] = {}
        self.height = round(1.3 * size)

    def width(self, number: int) -> int:
        """Of the tag of this number, in pixels."""
        digits = sum(self._face.width(digit, self._size) for digit in str(number))
        return max(self.height, round(digits + 0.6 * self._size))

    def draw(self, page: Image.Image, place: tuple[int, int], number: int) -> None:
        """Draw one with its upper left corner there."""
        x, y = place
        w, h = self.width(number), self.height
        page.paste(colour_of(number), (x, y), self._shape(w, h))
        font = self._face.at(self._size)
        ImageDraw.Draw(page).text((x + w / 2, y + h / 2), str(number), WHITE, font, "mm")

    def _shape(self, w: int, h: int) -> Image.Image:
        if (w, h) not in self._shapes:
            large = Image.new("L", (ROUNDING * w, ROUNDING * h))
            edge = (0, 0, ROUNDING * w - 1, ROUNDING * h - 1)
            ImageDraw.Draw(large).rounded_rectangle(edge, ROUNDING * h // 4, fill=255)
            self._shapes[w, h] = large.resize((w, h), Image.Resampling.BOX)
        return self._shapes[w, h]


def tag_places(
    boxes: Sequence[tuple[int, Rectangle]], tags: Tags, line: int, room: Rectangle
) -> Iterator[tuple[int, int]]:
    """Where the tag of each box stands: beside it, where it hides no text and no other tag.

    Args:
        boxes: With their numbers.
        tags: How large they are.
        line: Width of a box's outline, in pixels.
        room: What tags may stand on; no coordinate of it is negative.
    """
    taken = np.zeros((room.bottom, room.right), np.bool_)
    for _, box in boxes:
        taken[box.pixels] = True
    for number, box in boxes:
        size = tags.width(number), tags.height
        choices = [tag for tag in _beside(box.grown(line + 1), size) if _inside(tag, room)]
        best, least = _within(box, size, room), size[0] * size[1] + 1
        for tag in choices:
            # The first of those that hide least.
            if (hidden := int(np.count_nonzero(taken[tag.pixels]))) < least:
                best, least = tag, hidden
            if not hidden:
                break
        taken[best.pixels] = True
        yield best.left, best.top


def _beside(box: Rectangle, size: tuple[int, int]) -> Iterator[Rectangle]:
    """Around a box, best first: where the reader begins, then above, then where he ends."""
    w, h = size
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


def _within(box: Rectangle, size: tuple[int, int], room: Rectangle) -> Rectangle:
    """In the corner of a box that leaves no room beside it."""
    x = max(room.left, min(box.left, room.right - size[0]))
    y = max(room.top, min(box.top, room.bottom - size[1]))
    return Rectangle(x, y, x + size[0], y + size[1])


def _inside(tag: Rectangle, room: Rectangle) -> bool:
    return (
        room.left <= tag.left
        and room.top <= tag.top
        and tag.right <= room.right
        and tag.bottom <= room.bottom
    )
