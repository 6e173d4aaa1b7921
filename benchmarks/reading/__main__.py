"""`python -m benchmarks.reading`: measure the character errors of different reading orders.

The benchmark draws pages of many kinds and reads them with the engine of the emulator. It compares
the texts with the true text, in the order of the engine and in the order of the library. It needs
the extra `emulator`.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from aliocr.emulator.engine import RapidOCREngine
from aliocr.text.geometry import PlacedText
from aliocr.text.layout import reading_order
from benchmarks.reading.drawing import draw, text_width
from benchmarks.reading.errors import character_errors, squeezed
from benchmarks.reading.pages import Page, pages
from benchmarks.table import Table, markdown, print_table

HEADINGS = ("page", "from above", "ours, exact boxes", "engine", "ours, its boxes")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure all pages, print the table, and return 0."""
    options = _parse(arguments)
    font = None if options.font is None else str(options.font)
    engine = RapidOCREngine()
    rows = []
    for name, page in pages(text_width(font), chinese=font is not None):
        print(name, file=sys.stderr, flush=True)
        picture = draw(page, font)
        if options.keep is not None:
            picture.save(options.keep / f"{name}.png")
        found = engine.recognize(picture)
        shuffled = random.Random(0).sample(page.pieces, len(page.pieces))
        from_above = sorted(shuffled, key=lambda piece: (piece.y, piece.x))
        orders: tuple[Iterable[PlacedText], ...] = (
            *(from_above, reading_order(shuffled)),
            *(found, reading_order(found)),
        )
        rows.append([[name], *([f"{100 * _errors(page, order):.1f} %"] for order in orders)])
    table = Table(HEADINGS, rows, frozenset())
    if options.markdown:
        print(markdown(table))
    else:
        print_table(table)
    if font is None:
        print("Pillow's font has no Chinese characters; give a font that has them with --font FILE")
    return 0


def _errors(page: Page, order: Iterable[PlacedText]) -> float:
    true = "".join(piece.text for piece in page.pieces)
    return character_errors(squeezed(true), squeezed("".join(piece.text for piece in order)))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reading", description=__doc__)
    parser.add_argument(
        "--font", type=Path, help="draw the pages in this font, and also draw Chinese pages"
    )
    parser.add_argument("--markdown", action="store_true", help="print the table in Markdown")
    parser.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="keep the drawn pages in this folder"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
