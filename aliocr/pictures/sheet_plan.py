"""Compute the layout of a sheet: one picture with numbered boxes, and the panel of texts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import attrs

from aliocr.models import Region
from aliocr.pictures.fonts import Lettering, plain
from aliocr.pictures.panel import (
    Block,
    NumberedText,
    PlacedBlock,
    Style,
    Typesetter,
    columns_of,
    even_columns,
)
from aliocr.pictures.tags import Rectangle, Tags
from aliocr.text.layout import Line

MAX_SIDE_PIXELS = 65_500
"""Maximum length of a side of a drawing, in pixels, because JPEG and viewers have
a limit of about this size."""

LEAST_LINE = 14
"""Minimum height of a line of text in the drawing, in pixels. A picture with smaller lines is
enlarged, at most `MOST_SCALE` times."""

LEAST_SIDE = 200
"""Minimum length of the longer side of a drawn picture, in pixels. A smaller picture is
enlarged, at most `MOST_SCALE` times."""

MOST_SCALE = 4

FONT, LEAST_FONT, MOST_FONT = 0.65, 14, 36
"""Font size of the panel: its share of the height of a line of text, its minimum in pixels, and its
maximum in pixels."""

TAG, LEAST_TAG, MOST_TAG = 0.52, 12, 24
"""Font size of the numbers: its share of the height of a line of text, its minimum in pixels, and
its maximum in pixels."""

LEAST_PANEL = 8
"""Minimum width of a panel, as a multiple of the font size, so that a frame with short texts does
not have a much narrower panel than the other frames."""

WIDEST_BELOW = 26
"""Maximum width of a row in a panel below a picture, as a multiple of the font size. A longer text
is wrapped."""

WIDE = 2.2
"""The panel is below a picture only if the picture is more than this number of times as wide as it
is high."""

LEAST_WIDE = 700
"""The panel is below a picture only if the picture is at least this number of pixels wide. Beside a
narrower picture, there is room for a panel."""

STRAY, LEAST_STRAY = 0.02, 4
"""A box may reach out of its picture by the larger of two distances: `STRAY` times the width or the
height of the picture, or `LEAST_STRAY` pixels."""

MARGIN = 16
"""Margin around the picture and the panel, in pixels."""

TRIES = 30
"""Maximum number of scales that are tried for a sheet without a panel."""

PANEL_TRIES = 6
"""Maximum number of scales that are tried for a sheet with a panel."""

SHRINK = 0.97
"""The next scale that is tried is also multiplied by this factor, because the margins and the
letters do not become smaller with the picture."""


@attrs.frozen
class Look:
    """Settings that all sheets of a drawing share, so that the sheets look similar.

    Args:
        lettering: The fonts.
        line_height: Median height of a line of text, in pixels of the picture; 0 if unknown.
        last_number: The largest number that a box of the drawing may get.
        most_pixels: Maximum number of pixels of one sheet; a larger sheet is scaled down.
    """

    lettering: Lettering
    line_height: float
    last_number: int
    most_pixels: int


def numbered(
    lines: Iterable[Line[Region]], size: tuple[int, int], first: int
) -> list[list[NumberedText]]:
    """Return the texts of each line. Texts with a box are numbered in this order, from `first`."""
    found: list[list[NumberedText]] = []
    for line in lines:
        row: list[NumberedText] = []
        for region in line.regions or (None,):
            text = plain(line.text if region is None else region.text)
            box = _clipped(region, size) if region else None
            if text:
                row.append(NumberedText(text, first if box else None, box))
                first += box is not None
        if row:
            found.append(row)
    return found


def is_stray(region: Region, size: tuple[int, int]) -> bool:
    """Return True if a region reaches too far out of the picture to be only inaccurate."""
    slack = [max(LEAST_STRAY, STRAY * side) for side in size]
    return not (
        region.x >= -slack[0]
        and region.y >= -slack[1]
        and region.x + region.w <= size[0] + slack[0]
        and region.y + region.h <= size[1] + slack[1]
    )


def _clipped(region: Region, size: tuple[int, int]) -> tuple[float, float, float, float] | None:
    """Return the edges of the part of a region that is inside the picture.

    Return None if no part is inside, or if an edge is not a finite number.
    """
    corners = (region.x, region.y, region.x + region.w, region.y + region.h)
    if not all(map(math.isfinite, corners)):
        return None
    left, top, right, bottom = corners
    left, right = max(0.0, left), min(float(size[0]), right)
    top, bottom = max(0.0, top), min(float(size[1]), bottom)
    return (left, top, right, bottom) if left < right and top < bottom else None


@attrs.frozen
class SheetPlan:
    """The layout of a sheet, in pixels of the sheet.

    Args:
        size: Width and height of the sheet.
        picture: Place of the picture.
        scale: Factor by which the picture is enlarged; below 1 if it is drawn smaller.
        line: Width of the outline around a box.
        boxes: Number and place of each box.
        tags: Draws the numbers.
        heading: Height of the heading above the picture; 0 if there is no heading.
        style: Sizes in the panel.
        panel: Place of the panel; None if there is no panel.
        columns: Left edge and blocks of each column of the panel.
    """

    size: tuple[int, int]
    picture: Rectangle
    scale: float
    line: int
    boxes: tuple[tuple[int, Rectangle], ...]
    tags: Tags
    heading: int
    style: Style
    panel: Rectangle | None = None
    columns: tuple[tuple[int, tuple[PlacedBlock, ...]], ...] = ()

    @property
    def room(self) -> Rectangle:
        """Area in which the numbers of the boxes may be placed."""
        some = MARGIN // 2
        picture = self.picture
        return Rectangle(some, picture.top - some, picture.right + some, picture.bottom + some)


class SheetPlanner:
    """Plans one sheet in a scale that fits. If `headed` is True, there is room for a heading."""

    def __init__(
        self,
        size: tuple[int, int],
        lines: Sequence[Sequence[NumberedText]],
        look: Look,
        *,
        headed: bool,
    ) -> None:
        self._size = size
        self._lines = lines
        self._look = look
        self._headed = headed
        self._set: tuple[Style, list[Block]] | None = None
        boxes = [(piece.number, piece.box) for line in lines for piece in line]
        self._boxes = [(number, box) for number, box in boxes if number and box]

    def fitting(self, *, panel: bool) -> SheetPlan | None:
        """Try smaller and smaller scales; return the first plan that fits, or None if none fits."""
        most_pixels = self._look.most_pixels
        # The first scale is 1, or larger if the letters or the picture are small.
        wanted = LEAST_SIDE / max(self._size)
        if self._look.line_height:
            wanted = max(wanted, LEAST_LINE / self._look.line_height)
        scale = float(min(MOST_SCALE, max(1, math.ceil(wanted))))
        for _ in range(PANEL_TRIES if panel else TRIES):
            plan = self.plan(scale, panel=panel)
            pixels, side = math.prod(plan.size), max(plan.size)
            if pixels <= most_pixels and side <= MAX_SIDE_PIXELS:
                return plan
            over = max(math.sqrt(pixels / most_pixels), side / MAX_SIDE_PIXELS)
            scale *= SHRINK / max(1.0, over)
        return None

    def plan(self, scale: float, *, panel: bool) -> SheetPlan:
        """Return the layout of the sheet in the given scale."""
        line_height = self._look.line_height * scale
        tags = Tags(self._look.lettering.own, _clamped(TAG * line_height, LEAST_TAG, MOST_TAG))
        font = _clamped(FONT * line_height, LEAST_FONT, MOST_FONT)
        widest_tag = tags.width(int("8" * len(str(self._look.last_number))))
        line = max(2, round(font / 9))
        heading = round(2 * font) if self._headed else 0
        x = MARGIN + (widest_tag + line if self._look.line_height else 0)
        w, h = (max(1, round(side * scale)) for side in self._size)
        picture = Rectangle(x, MARGIN + heading, x + w, MARGIN + heading + h)
        plan = SheetPlan(
            size=(picture.right + MARGIN, picture.bottom + MARGIN),
            picture=picture,
            scale=scale,
            line=line,
            boxes=tuple((number, _placed(box, scale, picture)) for number, box in self._boxes),
            tags=tags,
            heading=heading,
            style=Style.of(font, widest_tag),
        )
        return self._with_panel(plan) if panel else plan

    def _with_panel(self, plan: SheetPlan) -> SheetPlan:
        """Return the plan with a panel, below a wide picture and beside any other picture."""
        picture, style = plan.picture, plan.style
        width, height = picture.right - picture.left, picture.bottom - picture.top
        if width > WIDE * height and width >= LEAST_WIDE:
            style = attrs.evolve(style, widest=WIDEST_BELOW * style.size)
            blocks = self._blocks(plan.tags, style)
            widest = max(block.width for block in blocks) + 2 * style.gap
            columns = even_columns(blocks, max(1, int(width / widest)), style)
            left, top, bottom = picture.left, picture.bottom + 2 * MARGIN, 0
        else:
            blocks = []
            for block, line in zip(self._blocks(plan.tags, style), self._lines, strict=True):
                middles = [(piece.box[1] + piece.box[3]) / 2 for piece in line if piece.box]
                middle = sum(middles) / len(middles) * plan.scale if middles else None
                blocks.append(attrs.evolve(block, middle=middle))
            style, columns = columns_of(blocks, height, style)
            left, top, bottom = picture.right + MARGIN, picture.top, picture.bottom
        x = left + style.gap
        placed: list[tuple[int, tuple[PlacedBlock, ...]]] = []
        for column in columns:
            placed.append((x, tuple(attrs.evolve(each, y=top + each.y) for each in column)))
            x += math.ceil(max(each.block.width for each in column)) + 2 * style.gap
            last = placed[-1][1][-1]
            bottom = max(bottom, math.ceil(last.y) + len(last.block.rows) * style.row)
        # Leave the same space above and below the texts as beside the texts, but at most half of
        # the margin.
        rim = min(style.gap, MARGIN // 2)
        right = max(x - style.gap, left + LEAST_PANEL * style.size)
        panel = Rectangle(left, top - rim, right, bottom + rim)
        size = (max(plan.size[0], right + MARGIN), max(plan.size[1], bottom + MARGIN))
        return attrs.evolve(plan, size=size, style=style, panel=panel, columns=tuple(placed))

    def _blocks(self, tags: Tags, style: Style) -> list[Block]:
        """Return one block per line. If the style has not changed, reuse the previous blocks."""
        if self._set is None or self._set[0] != style:
            typesetter = Typesetter(self._look.lettering, tags, style)
            self._set = style, [typesetter.block(line) for line in self._lines]
        return self._set[1]


def _clamped(size: float, least: int, most: int) -> int:
    return round(min(most, max(least, size)))


def _placed(box: tuple[float, float, float, float], scale: float, picture: Rectangle) -> Rectangle:
    left, top = math.floor(box[0] * scale), math.floor(box[1] * scale)
    right, bottom = (
        max(left + 1, math.ceil(box[2] * scale)),
        max(top + 1, math.ceil(box[3] * scale)),
    )
    x, y = picture.left, picture.top
    return Rectangle(x + left, y + top, x + right, y + bottom)
