"""Draw the pages of the benchmark as pictures."""

from __future__ import annotations

from functools import cache

from PIL import Image, ImageDraw, ImageFont

from aliocr.models import Region
from benchmarks.reading.pages import Matrix, Page, TextWidth

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
        if piece.h > piece.w and len(piece.text) > 1:
            for place, letter in enumerate(piece.text):
                pen.text(
                    (piece.x, piece.y + place * piece.w), letter, BLACK, _font(font, round(piece.w))
                )
            continue
        _line(pen, piece, _font(font, round(piece.h)))
    if not page.skewed:
        return picture
    # Pillow asks for each point of the new picture where it is in the old one.
    (a, b, _), (c, d, _), (e, f, _) = _inverse(page.matrix)
    across, down = page.width / 2, page.height / 2
    depth = 1 - e * across - f * down
    numbers = (
        *(a + across * e, b + across * f, across * depth - a * across - b * down),
        *(c + down * e, d + down * f, down * depth - c * across - d * down),
        *(e, f, depth),
    )
    return picture.transform(
        picture.size,
        Image.Transform.PERSPECTIVE,
        [number / depth for number in numbers[:8]],
        resample=Image.Resampling.BICUBIC,
        fillcolor=WHITE,
    )


def _line(pen: ImageDraw.ImageDraw, piece: Region, font: ImageFont.FreeTypeFont) -> None:
    """Draw a line as wide as its box; the blanks between its words are widened."""
    words = piece.text.split(" ") if piece.text.isascii() else list(piece.text)
    free = (piece.w - sum(map(font.getlength, words))) / max(1, len(words) - 1)
    x = piece.x
    for word in words:
        # A capital letter is only 0.7 of the font size high, so centre the text in its box.
        pen.text((x, piece.y + piece.h / 2), word, BLACK, font, "lm")
        x += font.getlength(word) + free


def _inverse(matrix: Matrix) -> Matrix:
    """Return the inverse of a projection, up to a factor."""
    (a, b, c), (d, e, f), (g, h, i) = matrix
    return (
        (e * i - f * h, c * h - b * i, b * f - c * e),
        (f * g - d * i, a * i - c * g, c * d - a * f),
        (d * h - e * g, b * g - a * h, a * e - b * d),
    )


@cache
def _font(font: str | None, size: int) -> ImageFont.FreeTypeFont:
    found = ImageFont.load_default(size) if font is None else ImageFont.truetype(font, size)
    if not isinstance(found, ImageFont.FreeTypeFont):
        raise OSError("Pillow was built without FreeType, so it has letters of only one size")
    return found
