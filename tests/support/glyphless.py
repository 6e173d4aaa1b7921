"""Make the font file of `aliocr.export.glyphless`: python -m tests.support.glyphless."""

from __future__ import annotations

import io
from pathlib import Path

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen

from aliocr.export import glyphless

NAME = "AliocrGlyphless"
MADE = 3_800_000_000
"""A time, in seconds since 1904, so that the file is the same each time."""


def font_file() -> bytes:
    """Return the file: boxes that are a line, so that they have a size and no ink."""
    widths = {".notdef": 0, "half": glyphless.WIDTHS[1], "whole": glyphless.WIDTHS[2], "mark": 0}
    sides = {".notdef": 0, "half": 500, "whole": 1_000, "mark": -500}
    builder = FontBuilder(1_000, isTTF=True)
    builder.setupGlyphOrder(list(widths))
    builder.setupCharacterMap({})
    glyphs = {}
    for name, side in sides.items():
        pen = TTGlyphPen(None)
        if side:
            pen.moveTo((0, glyphless.DESCENT))
            pen.lineTo((side, glyphless.ASCENT))
            pen.lineTo((0, glyphless.DESCENT))
            pen.closePath()
        glyphs[name] = pen.glyph()
    builder.setupGlyf(glyphs)
    builder.setupHorizontalMetrics({name: (width, 0) for name, width in widths.items()})
    builder.setupHorizontalHeader(ascent=glyphless.ASCENT, descent=glyphless.DESCENT)
    builder.setupNameTable({"familyName": NAME, "styleName": "Regular", "psName": NAME})
    builder.setupOS2(
        sTypoAscender=glyphless.ASCENT,
        sTypoDescender=glyphless.DESCENT,
        usWinAscent=glyphless.ASCENT,
        usWinDescent=-glyphless.DESCENT,
    )
    builder.setupPost(keepGlyphNames=False)
    builder.font.recalcTimestamp = False
    builder.updateHead(created=MADE, modified=MADE)
    file = io.BytesIO()
    builder.save(file)
    return file.getvalue()


if __name__ == "__main__":
    Path(glyphless.__file__).with_suffix(".ttf").write_bytes(font_file())
