"""Where everything goes on a sheet: a picture, its boxes and their numbers, the panel of texts."""

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
"""Of a side of a drawing: what a JPEG can have, and what viewers can show."""

LEAST_LINE = 14
"""Pixels high is a line of text at least, if drawing it up to `MOST_SCALE` times as large helps."""

LEAST_SIDE = 200
"""Pixels of the longer side, likewise."""

MOST_SCALE = 4

FONT, LEAST_FONT, MOST_FONT = 0.65, 14, 36
"""Of the panel: share of the height of the picture's lines, and pixels at least and at most."""

TAG, LEAST_TAG, MOST_TAG = 0.52, 12, 24
"""The same of the numbers."""

LEAST_PANEL = 8
"""Of its width, in font sizes: panels of frames below each other look alike."""

WIDEST_BELOW = 26
"""Of a text in a panel below a picture, in font sizes: there are several columns."""

WIDE = 2.2
"""Times as wide as high is a picture that has its panel below."""

LEAST_WIDE = 700
"""Pixels of its width, at least: a smaller one has room beside it."""

STRAY, LEAST_STRAY = 0.02, 4
"""How far a box may reach out of its picture: as a share of that, and pixels."""

MARGIN = 16
"""Around everything, in pixels."""

TRIES = 30
"""Scales that are tried until all is small enough; a panel is given up after `PANEL_TRIES`."""

PANEL_TRIES = 6

SHRINK = 0.97
"""Smaller than would be right is the next scale, as margins and letters do not shrink along."""


@attrs.frozen
class Look:
    """What all sheets of a drawing share, so that they look alike.

    Args:
        lettering: To write with.
        line_height: Of the picture's lines, in its pixels; 0 if there are none with places.
        last_number: The largest there may be.
        most_pixels: Of one sheet; all in it is made smaller until it has no more.
    """

    lettering: Lettering
    line_height: float
    last_number: int
    most_pixels: int


def numbered(
    lines: Iterable[Line[Region]], size: tuple[int, int], first: int
) -> list[list[NumberedText]]:
    """The lines of a picture, their regions with numbers in reading order.

    Args:
        lines: In reading order.
        size: Of the picture, in pixels.
        first: The first number.
    """
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
    """Whether it reaches out of a picture of this size, by more than an engine's inaccuracy."""
    slack = [max(LEAST_STRAY, STRAY * side) for side in size]
    return not (
        region.x >= -slack[0]
        and region.y >= -slack[1]
        and region.x + region.w <= size[0] + slack[0]
        and region.y + region.h <= size[1] + slack[1]
    )


def _clipped(region: Region, size: tuple[int, int]) -> tuple[float, float, float, float] | None:
    """What of a region is in the picture; None if nothing is."""
    corners = (region.x, region.y, region.x + region.w, region.y + region.h)
    if not all(map(math.isfinite, corners)):
        return None
    left, top, right, bottom = corners
    left, right = max(0.0, left), min(float(size[0]), right)
    top, bottom = max(0.0, top), min(float(size[1]), bottom)
    return (left, top, right, bottom) if left < right and top < bottom else None


@attrs.frozen
class SheetPlan:
    """Where everything goes, in pixels of the sheet.

    Args:
        size: Of the sheet.
        picture: The picture.
        scale: How many pixels are one of the picture.
        line: Width of a box's outline, which is around the box.
        boxes: With their numbers.
        tags: What the numbers look like.
        heading: Height of what stands above the picture.
        style: Of the panel.
        panel: Its paper; None without one.
        columns: Where each column of it begins, and what is in it.
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
        """What the numbers may stand on."""
        some = MARGIN // 2
        picture = self.picture
        return Rectangle(some, picture.top - some, picture.right + some, picture.bottom + some)

    @property
    def pixels(self) -> int:
        """Of the sheet."""
        return self.size[0] * self.size[1]


class SheetPlanner:
    """Plans one sheet in whatever scale.

    Args:
        size: Of the picture, in pixels.
        lines: What was read in it, in reading order.
        look: What it shares with other sheets.
        headed: Something stands above the picture.
    """

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
        self._middles = [_middle(line) for line in lines]
        self._set: tuple[Style, list[Block]] | None = None
        boxes = [(piece.number, piece.box) for line in lines for piece in line]
        self._boxes = [(number, box) for number, box in boxes if number and box]

    def fitting(self, *, panel: bool) -> SheetPlan | None:
        """The plan in the best scale that is small enough; None if a panel is too large in all."""
        most_pixels = self._look.most_pixels
        scale = self._best_scale()
        for _ in range(PANEL_TRIES if panel else TRIES):
            plan = self.plan(scale, panel=panel)
            if plan.pixels <= most_pixels and max(plan.size) <= MAX_SIDE_PIXELS:
                return plan
            over = max(math.sqrt(plan.pixels / most_pixels), max(plan.size) / MAX_SIDE_PIXELS)
            scale *= SHRINK / max(1.0, over)
        return None

    def _best_scale(self) -> float:
        """Not smaller than it is, and larger where its letters or all of it are tiny."""
        wanted = LEAST_SIDE / max(self._size)
        if self._look.line_height:
            wanted = max(wanted, LEAST_LINE / self._look.line_height)
        return float(min(MOST_SCALE, max(1, math.ceil(wanted))))

    def plan(self, scale: float, *, panel: bool) -> SheetPlan:
        """Where everything goes in this scale."""
        line_height = self._look.line_height * scale
        tags = Tags(self._look.lettering.own, _within(TAG * line_height, LEAST_TAG, MOST_TAG))
        font = _within(FONT * line_height, LEAST_FONT, MOST_FONT)
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
        if not panel:
            return plan
        if w > WIDE * h and w >= LEAST_WIDE:
            return self._with_panel_below(plan)
        return self._with_panel_beside(plan)

    def _with_panel_beside(self, plan: SheetPlan) -> SheetPlan:
        picture = plan.picture
        blocks = [
            block if middle is None else attrs.evolve(block, middle=middle * plan.scale)
            for block, middle in zip(self._blocks(plan), self._middles, strict=True)
        ]
        style, columns = columns_of(blocks, picture.bottom - picture.top, plan.style)
        plan = attrs.evolve(plan, style=style)
        return _with_panel(plan, columns, picture.right + MARGIN, picture.top, picture.bottom)

    def _with_panel_below(self, plan: SheetPlan) -> SheetPlan:
        style = attrs.evolve(plan.style, widest=WIDEST_BELOW * plan.style.size)
        plan = attrs.evolve(plan, style=style)
        blocks = self._blocks(plan)
        column = max(block.width for block in blocks) + 2 * style.gap
        most = max(1, int((plan.picture.right - plan.picture.left) / column))
        columns = even_columns(blocks, most, style)
        return _with_panel(plan, columns, plan.picture.left, plan.picture.bottom + 2 * MARGIN)

    def _blocks(self, plan: SheetPlan) -> list[Block]:
        """The lines in rows, which are those of the last try if the letters are as large."""
        if self._set is None or self._set[0] != plan.style:
            typesetter = Typesetter(self._look.lettering, plan.tags, plan.style)
            self._set = plan.style, [typesetter.block(line) for line in self._lines]
        return self._set[1]


def _middle(line: Sequence[NumberedText]) -> float | None:
    """How far down the picture a line is, in its pixels."""
    places = [(piece.box[1] + piece.box[3]) / 2 for piece in line if piece.box]
    return sum(places) / len(places) if places else None


def _within(size: float, least: int, most: int) -> int:
    return round(min(most, max(least, size)))


def _placed(box: tuple[float, float, float, float], scale: float, picture: Rectangle) -> Rectangle:
    left, top = math.floor(box[0] * scale), math.floor(box[1] * scale)
    right, bottom = (
        max(left + 1, math.ceil(box[2] * scale)),
        max(top + 1, math.ceil(box[3] * scale)),
    )
    x, y = picture.left, picture.top
    return Rectangle(x + left, y + top, x + right, y + bottom)


def _with_panel(
    plan: SheetPlan, columns: Sequence[Sequence[PlacedBlock]], left: int, top: int, bottom: int = 0
) -> SheetPlan:
    """The plan with these columns from there on, on paper that reaches at least to the bottom."""
    style, x = plan.style, left + plan.style.gap
    placed: list[tuple[int, tuple[PlacedBlock, ...]]] = []
    for column in columns:
        placed.append((x, tuple(attrs.evolve(each, y=top + each.y) for each in column)))
        x += math.ceil(max(each.block.width for each in column)) + 2 * style.gap
        last = placed[-1][1][-1]
        bottom = max(bottom, math.ceil(last.y) + len(last.block.rows) * style.row)
    # As much paper above and below the texts as beside them, which the margin has room for.
    rim = min(style.gap, MARGIN // 2)
    right = max(x - style.gap, left + LEAST_PANEL * style.size)
    panel = Rectangle(left, top - rim, right, bottom + rim)
    size = (max(plan.size[0], panel.right + MARGIN), max(plan.size[1], panel.bottom + MARGIN - rim))
    return attrs.evolve(plan, size=size, panel=panel, columns=tuple(placed))
