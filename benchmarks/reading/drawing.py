"""Draw pages as pictures."""

from __future__ import annotations

from functools import cache

from PIL import Image, ImageDraw, ImageFont

from benchmarks.reading.pages import Page, TextWidth

WHITE, BLACK = (255, 255, 255), (0, 0, 0)


def text_width(font: str | None) -> TextWidth:
    """Return a function that measures texts in a font.

    Args:
        font: A font file; None for Pillow's own font, which has no Chinese.
    """
    return lambda text, size: _font(font, size).getlength(text)


def draw(page: Page, font: str | None) -> Image.Image:
    """Draw the page in black on white, with its rotation.

    Args:
        page: A page whose texts were measured in the same font.
        font: As of `text_width`.
    """
    picture = Image.new("RGB", (page.width, page.height), WHITE)
    pen = ImageDraw.Draw(picture)
    for piece in page.upright:
        # A capital is 0.7 of the size high, so the text is centred by its middle.
        pen.text(
            (piece.x, piece.y + piece.h / 2), piece.text, BLACK, _font(font, round(piece.h)), "lm"
        )
    return picture.rotate(-page.degrees, resample=Image.Resampling.BICUBIC, fillcolor=WHITE)


@cache
def _font(font: str | None, size: int) -> ImageFont.FreeTypeFont:
    found = ImageFont.load_default(size) if font is None else ImageFont.truetype(font, size)
    if not isinstance(found, ImageFont.FreeTypeFont):
        raise OSError("this Pillow is built without FreeType and has letters of one size only")
    return found
