"""Paint a sheet: one picture with its boxes, their numbers, and the panel of texts."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from aliocr.extras import needed
from aliocr.pictures.panel import NumberedText, Tag
from aliocr.pictures.sheet_plan import Look, SheetPlan, SheetPlanner
from aliocr.pictures.tags import Rectangle, colour_of, tag_places

with needed("pictures"):
    from PIL import Image, ImageDraw

FILLED = 0.13
"""Opacity of the colour that fills a box; 1 would hide the picture inside the box."""

CANVAS, PAPER, FRAME = (238, 240, 243), (255, 255, 255), (208, 212, 218)
INK, FAINT, HALO = (31, 35, 40), (118, 126, 135), (255, 255, 255)

LETTER_PIXELS, LINE_PIXELS = 110, 800
"""A panel needs at least `LETTER_PIXELS` pixels for each character, and also at least `LINE_PIXELS`
pixels for the number of each line and the space around it. If even this minimum does not fit, no
panel is tried."""


@attrs.frozen
class Sheet:
    """A painted sheet: its image, and the place and the scale of the picture in the sheet.

    `panel` is False if there was no room for a panel, or no text to show in a panel.
    """

    image: Image.Image
    x: int
    y: int
    scale: float
    panel: bool


def sheet_of(
    picture: Image.Image,
    size: tuple[int, int],
    lines: Sequence[Sequence[NumberedText]],
    look: Look,
    *,
    heading: str = "",
    bare: bool = False,
) -> Sheet:
    """Draw an RGB picture and the boxes of its lines; unless `bare`, add a panel with the texts.

    The boxes are in pixels of a picture of this size; `picture` may have been made smaller. The
    heading is drawn above the picture. Pillow's font must have all its characters.
    """
    planner = SheetPlanner(size, lines, look, headed=bool(heading))
    letters = sum(len(piece.text) for line in lines for piece in line)
    least = letters * LETTER_PIXELS + len(lines) * LINE_PIXELS
    plan = None
    if lines and not bare and least < look.most_pixels:
        plan = planner.fitting(panel=True)
    plan = plan or planner.fitting(panel=False)
    if plan is None:
        raise ValueError("no room for the picture")
    sheet = Image.new("RGB", plan.size, CANVAS)
    place = plan.picture
    size = (place.right - place.left, place.bottom - place.top)
    if size != picture.size:
        picture = picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    sheet.paste(picture, (place.left, place.top))
    if heading:
        font = look.lettering.own.at(plan.style.size)
        middle = place.top - plan.heading / 2
        ImageDraw.Draw(sheet).text((place.left, middle), heading, FAINT, font, "lm")
    _paint_boxes(sheet, plan)
    if plan.panel is not None:
        _paint_panel(sheet, plan, plan.panel)
    return Sheet(sheet, place.left, place.top, plan.scale, panel=plan.panel is not None)


def _paint_boxes(sheet: Image.Image, plan: SheetPlan) -> None:
    """Fill all boxes, then draw all outlines, then all numbers, so that no fill hides them."""
    for number, box in plan.boxes:
        edges = (box.left, box.top, box.right, box.bottom)
        under = sheet.crop(edges)
        colour = Image.new("RGB", under.size, colour_of(number))
        sheet.paste(Image.blend(under, colour, FILLED), edges)
    brush = ImageDraw.Draw(sheet)
    for _, box in plan.boxes:
        # Draw a white line around the outline, because every colour is invisible on some pictures.
        brush.rectangle(_outline(box.grown(plan.line + 1)), outline=HALO)
    for number, box in plan.boxes:
        brush.rectangle(_outline(box.grown(plan.line)), outline=colour_of(number), width=plan.line)
    places = tag_places(plan.boxes, plan.tags, plan.line, plan.room)
    for (number, _), place in zip(plan.boxes, places, strict=True):
        plan.tags.draw(sheet, place, number)


def _outline(box: Rectangle) -> tuple[int, int, int, int]:
    """Return the edges for Pillow, which draws the right and lower edges as part of the box."""
    return box.left, box.top, box.right - 1, box.bottom - 1


def _paint_panel(sheet: Image.Image, plan: SheetPlan, panel: Rectangle) -> None:
    brush = ImageDraw.Draw(sheet)
    brush.rectangle(_outline(panel), PAPER, FRAME)
    style = plan.style
    for left, column in plan.columns:
        for placed in column:
            for at, row in enumerate(placed.block.rows):
                middle = round(placed.y) + at * style.row + style.row // 2
                for item in row:
                    x = round(left + item.x)
                    if isinstance(item, Tag):
                        plan.tags.draw(sheet, (x, middle - plan.tags.height // 2), item.number)
                    else:
                        font, ink = item.face.at(style.size), FAINT if item.faint else INK
                        base = middle + round(0.36 * style.size)
                        brush.text((x, base), item.text, ink, font, "ls")
