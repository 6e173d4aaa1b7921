"""Lay the text of a page over its picture, invisible and in reading order."""

from __future__ import annotations

import re
from collections.abc import Iterator

import attrs

from aliocr.export.glyphless import ASCENT, DESCENT, GlyphlessFont, width_of
from aliocr.export.wording import legible
from aliocr.models import Region
from aliocr.text.boxes import is_tall, real
from aliocr.text.geometry import turned
from aliocr.text.layout import Line

RIGHT_TO_LEFT = "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]"

BACKWARD = re.compile(rf"{RIGHT_TO_LEFT}+(?:[^\w]+{RIGHT_TO_LEFT}+)*")
"""A run of words in Hebrew, Arabic and the like."""

LETTER = re.compile(".[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f]*", re.DOTALL)
"""A letter with its marks."""


@attrs.frozen
class UprightPage:
    """The place of a page that is turned so that its text is upright.

    Args:
        width: Width of the upright page, in pixels of the picture.
        height: Height of the upright page, in pixels of the picture.
        turn: Angle by which the picture is turned clockwise, in degrees.
    """

    width: float
    height: float
    turn: int = 0

    @classmethod
    def of(cls, width: float, height: float, turn: int | None) -> UprightPage:
        """Return the upright page of a picture that has this size."""
        return cls(height, width, turn) if turn in (90, 270) else cls(width, height, turn or 0)

    def place(self, region: Region) -> Region:
        """Return a region as it is placed on the upright page; what is beside it, at its edge."""
        each = turned(real(region), self.turn)
        x = each.x + (self.width if self.turn in (90, 180) else 0)
        y = each.y + (self.height if self.turn in (180, 270) else 0)
        left, right = (min(max(edge, 0), self.width) for edge in (x, x + each.w))
        top, bottom = (min(max(edge, 0), self.height) for edge in (y, y + each.h))
        left, top = min(left, self.width - 1), min(top, self.height - 1)
        return Region(each.text, left, top, max(1, right - left), max(1, bottom - top))


def text_layer(
    lines: tuple[Line[Region], ...], page: UprightPage, scale: float, font: GlyphlessFont
) -> bytes:
    """Return the content of a PDF page that writes these lines.

    Args:
        lines: The lines in reading order; each has regions.
        page: The place of the page.
        scale: Size of a pixel, in points.
        font: The font, which the page names F.
    """
    parts = [b"BT 3 Tr"]
    for line in lines:
        for piece in _pieces(line):
            parts.extend(_shown(page.place(piece), page.height, scale, font))
    return b"\n".join([*parts, b"ET"])


def _pieces(line: Line[Region]) -> Iterator[Region]:
    """Yield the regions of a line, each with the blank that is behind it in the line's text.

    Without a blank, readers would join the words of two regions that touch each other.
    """
    at = 0
    for region in line.regions:
        at += len(region.text)
        blank = " " if region.text and line.text[at : at + 1] == " " else ""
        at += len(blank)
        yield attrs.evolve(region, text=region.text + blank)


def _shown(region: Region, height: float, scale: float, font: GlyphlessFont) -> Iterator[bytes]:
    """Yield the operators that write a region: as high as its box, and stretched to its width."""
    text = written_order(legible(region.text))
    if not text:
        return
    down = is_tall(region.text, region.w, region.h)
    across, along = (region.w, region.h) if down else (region.h, region.w)
    descent = across * -DESCENT / (ASCENT - DESCENT)
    if down:  # a quarter turned, so that the base line is at the left
        matrix, x, y = b"0 -1 1 0", region.x + descent, region.y
    else:
        matrix, x, y = b"1 0 0 1", region.x, region.y + across - descent
    natural = width_of(text.rstrip()) * across / (ASCENT - DESCENT)
    stretch = 100 * along / natural if natural else 100
    yield b"/F %.3f Tf %.3f Tz %b %.3f %.3f Tm" % (
        across * scale,
        stretch,
        matrix,
        x * scale,
        (height - y) * scale,
    )
    yield b"<%b> Tj" % font.written(text)
    if down:
        # pdfium sorts neighbouring texts that begin at the same height from left to right, and so
        # the columns of a vertical text. A text between two columns begins elsewhere.
        yield b"<%b> Tj" % font.written(" ")


def written_order(text: str) -> str:
    """Return the text in the order in which it stands on the page, from left to right.

    A PDF has Hebrew and Arabic in this order, and readers turn such words around.
    """
    if not re.search(RIGHT_TO_LEFT, text):
        return text
    forward = BACKWARD.split(text)
    backward = ["".join(reversed(LETTER.findall(run))) for run in BACKWARD.findall(text)]
    runs = [each for pair in zip(forward, [*backward, ""], strict=True) for each in pair]
    first = next(each for each in text if each.isalpha())
    return "".join(reversed(runs) if re.match(RIGHT_TO_LEFT, first) else runs)
