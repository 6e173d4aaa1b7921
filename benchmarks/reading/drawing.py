"""Draw the pages of the benchmark as pictures."""

from __future__ import annotations

from functools import cache

from PIL import Image, ImageDraw, ImageFont

from benchmarks.reading.pages import Page, TextWidth

WHITE, BLACK = (255, 255, 255), (0, 0, 0)


def text_width(font: str | None) -> TextWidth:
    """Return a function that measures the width of a text in a font.

    Args:
        font: Path of a font file; None for Pillow's font, which has no Chinese characters.
    """
    return lambda text, size: _font(font, size).getlength(text)


def draw(page: Page, font: str | None) -> Image.Image:
    """Draw the page in black on white, and rotate the picture as the page says.

    Args:
        page: A page whose texts were measured in this font.
        font: The font, as for `text_width`.
    """
    picture = Image.new("RGB", (page.width, page.height), WHITE)
    pen = ImageDraw.Draw(picture)
    for piece in page.upright:
        # A capital letter is only 0.7 of the font size high, so centre the text in its box.
        pen.text(
            (piece.x, piece.y + piece.h / 2), piece.text, BLACK, _font(font, round(piece.h)), "lm"
        )
    return picture.rotate(-page.degrees, resample=Image.Resampling.BICUBIC, fillcolor=WHITE)


@cache
def _font(font: str | None, size: int) -> ImageFont.FreeTypeFont:
    found = ImageFont.load_default(size) if font is None else ImageFont.truetype(font, size)
    if not isinstance(found, ImageFont.FreeTypeFont):
        raise OSError("Pillow was built without FreeType, so it has letters of only one size")
    return found
