"""Compute the layout of a sheet: picture, boxes, numbers and the panel of texts."""

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
"""Pixels of one side of a drawing: the limit of JPEG, and of viewers."""

LEAST_LINE = 14
"""Least height of a line of text, in pixels; a smaller one grows, up to `MOST_SCALE` times."""

LEAST_SIDE = 200
"""Least longer side, in pixels, likewise."""

MOST_SCALE = 4

FONT, LEAST_FONT, MOST_FONT = 0.65, 14, 36
"""Font size of the panel: share of the height of the picture's lines; least and most pixels."""

TAG, LEAST_TAG, MOST_TAG = 0.52, 12, 24
"""Font size of the numbers, likewise."""

LEAST_PANEL = 8
"""Least width of a panel, in font sizes: panels of frames below each other look alike."""

WIDEST_BELOW = 26
"""Width at which a text in a panel below a picture is wrapped, in font sizes."""

WIDE = 2.2
"""A picture wider than this times its height has its panel below."""

LEAST_WIDE = 700
"""Least width of such a picture, in pixels: a smaller one has room beside it."""

STRAY, LEAST_STRAY = 0.02, 4
"""Reach of a box out of its picture that is tolerated: share of the side, and least pixels."""

MARGIN = 16
"""Margin around everything, in pixels."""

TRIES = 30
"""Scales that are tried; a panel is given up after `PANEL_TRIES`."""

PANEL_TRIES = 6

SHRINK = 0.97
"""Extra factor of the next scale, because margins and letters do not shrink along."""


@attrs.frozen
class Look:
    """Common to all sheets of a drawing, so that they look alike.

    Args:
        line_height: Height of the picture's lines, in its pixels; 0 without places.
        last_number: The largest possible number.
        most_pixels: Most pixels of one sheet, which is scaled down to fit.
    """

    lettering: Lettering
    line_height: float
    last_number: int
    most_pixels: int


def numbered(
    lines: Iterable[Line[Region]], size: tuple[int, int], first: int
) -> list[list[NumberedText]]:
    """Return the lines of a picture, with numbers from `first` for their regions, in order."""
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
    """Return True if a region reaches out of the picture by more than an engine's inaccuracy."""
    slack = [max(LEAST_STRAY, STRAY * side) for side in size]
    return not (
        region.x >= -slack[0]
        and region.y >= -slack[1]
        and region.x + region.w <= size[0] + slack[0]
        and region.y + region.h <= size[1] + slack[1]
    )


def _clipped(region: Region, size: tuple[int, int]) -> tuple[float, float, float, float] | None:
    """Return the part of a region in the picture; None for no part."""
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
        scale: Pixels of the sheet for one pixel of the picture.
        line: Width of the outline around a box.
        heading: Height of the heading above the picture.
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
        """The area for the numbers."""
        some = MARGIN // 2
        picture = self.picture
        return Rectangle(some, picture.top - some, picture.right + some, picture.bottom + some)


class SheetPlanner:
    """Plans one sheet in any scale; leaves room for a heading if `headed`."""

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
        """Return the plan in the best scale that fits; None if the panel fits in no scale."""
        most_pixels = self._look.most_pixels
        # At least 1, and larger for tiny letters or a tiny picture.
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
        """Return the layout in one scale."""
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
        """Return the plan with a panel: below a wide picture, else beside the picture."""
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
        # The same rim above and below the texts as beside them, within the margin.
        rim = min(style.gap, MARGIN // 2)
        right = max(x - style.gap, left + LEAST_PANEL * style.size)
        panel = Rectangle(left, top - rim, right, bottom + rim)
        size = (max(plan.size[0], right + MARGIN), max(plan.size[1], bottom + MARGIN))
        return attrs.evolve(plan, size=size, style=style, panel=panel, columns=tuple(placed))

    def _blocks(self, tags: Tags, style: Style) -> list[Block]:
        """Return the lines in rows; the rows of the last try if the letters have the same size."""
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
