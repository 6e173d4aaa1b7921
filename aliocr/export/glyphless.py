"""A font without glyphs, for text that is found but not seen.

The font file has three glyphs without ink: as wide as half a letter and as a whole one, and a mark
that stands before its place. Each has a box, by which viewers highlight what they find. A character
of the text gets the next free number; the PDF says which character a number means, so any text can
be written, in any script, and no font need be installed.

`python -m tests.support.glyphless` makes the font file; it is our own work.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from pathlib import Path

from aliocr.extras import needed

with needed("pdf"):
    from pikepdf import Array, Dictionary, Name, Object, Pdf, Stream

ASCENT, DESCENT = 800, -200
"""Upper and lower edge of a box, in thousandths of the font size above the base line."""

HALF, WHOLE, MARK = 1, 2, 3
"""Numbers of the glyphs in the font file."""

WIDTHS = {HALF: 500, WHOLE: 1_000, MARK: 0}
"""Widths of the glyphs, in thousandths of the font size."""

MAX_CHARACTERS = 65_535
"""Maximum number of different characters of a font, which writes them as two bytes."""

PER_BLOCK = 100
"""Maximum number of characters in one block of a map. Source: PDF 1.7, 9.10.3."""

MAP = """\
/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def
/CMapName /Adobe-Identity-UCS def
/CMapType 2 def
1 begincodespacerange
<0000> <FFFF>
endcodespacerange
{blocks}endcmap
CMapName currentdict /CMap defineresource pop
end
end
"""
"""The map from numbers to characters. Source: PDF 1.7, 9.10.3."""


@cache
def _file() -> bytes:
    return Path(__file__).with_suffix(".ttf").read_bytes()


@cache
def glyph_of(character: str) -> int:
    """Return the glyph of a character: a Chinese letter is twice as wide as a Latin one."""
    if unicodedata.combining(character):
        return MARK
    return WHOLE if unicodedata.east_asian_width(character) in "WF" else HALF


def width_of(text: str) -> int:
    """Return the width of a text, in thousandths of the font size."""
    return sum(WIDTHS[glyph_of(each)] for each in text)


class GlyphlessFont:
    """The font of a part of a PDF. It has the characters that were written so far."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    @property
    def is_full(self) -> bool:
        """True if the characters of another page may not fit."""
        return len(self._numbers) > MAX_CHARACTERS // 2

    def written(self, text: str) -> bytes:
        """Return the text as the numbers of its characters, in hexadecimal digits."""
        known = self._numbers
        numbers = (known.setdefault(each, len(known) + 1) for each in text)
        return "".join(f"{number:04x}" for number in numbers).encode()

    def add_to(self, pdf: Pdf) -> Object:
        """Add the font to a PDF; return it. All characters must have been written."""
        file = _file()
        descriptor = Dictionary(
            Type=Name.FontDescriptor,
            FontName=Name.AliocrGlyphless,
            Flags=4,
            FontBBox=[-500, DESCENT, 1_000, ASCENT],
            ItalicAngle=0,
            Ascent=ASCENT,
            Descent=DESCENT,
            CapHeight=ASCENT,
            StemV=80,
            FontFile2=Stream(pdf, file, Length1=len(file)),
        )
        glyphs = [glyph_of(each) for each in self._numbers]
        descendant = Dictionary(
            Type=Name.Font,
            Subtype=Name.CIDFontType2,
            BaseFont=Name.AliocrGlyphless,
            CIDSystemInfo=Dictionary(Registry=b"Adobe", Ordering=b"Identity", Supplement=0),
            FontDescriptor=pdf.make_indirect(descriptor),
            DW=WIDTHS[HALF],
            W=Array([1, Array([WIDTHS[glyph] for glyph in glyphs])]),
            CIDToGIDMap=Stream(pdf, bytes(byte for glyph in (0, *glyphs) for byte in (0, glyph))),
        )
        return pdf.make_indirect(
            Dictionary(
                Type=Name.Font,
                Subtype=Name.Type0,
                BaseFont=Name.AliocrGlyphless,
                Encoding=Name("/Identity-H"),
                DescendantFonts=[pdf.make_indirect(descendant)],
                ToUnicode=Stream(pdf, self._map().encode()),
            )
        )

    def _map(self) -> str:
        lines = [
            f"<{number:04x}> <{each.encode('utf-16-be').hex()}>\n"
            for each, number in self._numbers.items()
        ]
        blocks = (lines[at : at + PER_BLOCK] for at in range(0, len(lines), PER_BLOCK))
        return MAP.format(
            blocks="".join(
                f"{len(block)} beginbfchar\n{''.join(block)}endbfchar\n" for block in blocks
            )
        )
