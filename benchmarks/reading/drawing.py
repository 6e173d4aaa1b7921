"""Pages as pictures."""

from __future__ import annotations

from functools import cache

from PIL import Image, ImageDraw, ImageFont

from benchmarks.reading.pages import Measure, Page

__all__ = ["draw", "measure"]

WHITE, BLACK = (255, 255, 255), (0, 0, 0)


def measure(font: str | None) -> Measure:
    """The widths of texts in a font.

    Args:
        font: A file; None for Pillow's own, which has no Chinese.
    """
    return lambda text, size: _font(font, size).getlength(text)


def draw(page: Page, font: str | None) -> Image.Image:
    """The page in black on white, turned as it is.

    Args:
        page: A page whose texts were measured in the same font.
        font: As of `measure`.
    """
    picture = Image.new("RGB", (page.width, page.height), WHITE)
    pen = ImageDraw.Draw(picture)
    for piece in page.upright:
        # From the top of a capital to the baseline a letter has 0.7 of its size: in the middle.
        pen.text(
            (piece.x, piece.y + piece.h / 2), piece.text, BLACK, _font(font, round(piece.h)), "lm"
        )
    return picture.rotate(-page.degrees, resample=Image.Resampling.BICUBIC, fillcolor=WHITE)


@cache
def _font(font: str | None, size: int) -> ImageFont.FreeTypeFont:
    found = ImageFont.load_default(size) if font is None else ImageFont.truetype(font, size)
    if not isinstance(found, ImageFont.FreeTypeFont):
        raise OSError("this Pillow is built without FreeType, and draws letters of one size only")
    return found
