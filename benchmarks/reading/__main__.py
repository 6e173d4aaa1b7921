"""`python -m benchmarks.reading`: measure the reading order on pages whose order is known.

The benchmark draws pages and reads them with the engine of the emulator. It needs the extra
`emulator`, and fonts for Chinese pages, e.g. of the Debian packages fonts-wqy-zenhei and
fonts-noto-cjk. There are three tables:

- Pages of fixed kinds: the share of characters out of place, in the order of the engine and in the
  order of the library.
- Pages of random sizes, texts, gutters and angles: the share of characters in order, and of rows
  whose texts stand in one line. No value of the library was chosen by these pages.
- Crops of one line: how many are read wrong uncut, and in the strips of the service.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import attrs

from aliocr.emulator.engine import RapidOCREngine
from aliocr.models import Frame, Region
from aliocr.text.geometry import PlacedText
from aliocr.text.layout import reading_order
from benchmarks.reading import crops
from benchmarks.reading.drawing import draw, text_width
from benchmarks.reading.errors import character_errors, squeezed
from benchmarks.reading.layouts import LAYOUTS, as_found, layouts
from benchmarks.reading.pages import Page, pages
from benchmarks.table import Table, markdown, print_table

HEADINGS = ("page", "from above", "ours, exact boxes", "engine", "ours, its boxes")
LAYOUT_HEADINGS = ("layout", "in order", "rows right", "engine: in order", "engine: rows right")

FIRST_SEED = 1_000
"""First seed of the random pages. The values of the library were chosen by pages of lower seeds."""

MAX_MISREAD = 0.3
"""Maximum share of characters in a row that an engine may misread or leave out."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure all pages, print the tables, and return 0."""
    options = _parse(arguments)
    engine = RapidOCREngine()
    tables = (
        _fixed(engine, options),
        _random(engine, options),
        crops.measure(options.crops, options.font or [None]),
    )
    for table in tables:
        if options.markdown:
            print(markdown(table))
        else:
            print_table(table)
    if not options.font:
        print("Pillow's font has no Chinese characters; give a font that has them with --font FILE")
    return 0


def _fixed(engine: RapidOCREngine, options: argparse.Namespace) -> Table:
    """Measure the pages of fixed kinds, in the first font."""
    font = options.font[0] if options.font else None
    rows = []
    for name, page in pages(text_width(font), chinese=font is not None):
        found = _read(engine, page, name, font, options.keep)
        shuffled = random.Random(0).sample(page.pieces, len(page.pieces))
        from_above = sorted(shuffled, key=lambda piece: (piece.y, piece.x))
        orders: tuple[Iterable[PlacedText], ...] = (
            *(from_above, reading_order(shuffled)),
            *(found, reading_order(found)),
        )
        rows.append([[name], *([f"{100 * _errors(page, order):.1f} %"] for order in orders)])
    return Table(HEADINGS, rows, frozenset())


def _random(engine: RapidOCREngine, options: argparse.Namespace) -> Table:
    """Measure the random pages, each in the next font."""
    rows = []
    for name, (_, in_chinese, _) in LAYOUTS.items():
        if in_chinese and not options.font:
            continue
        exact, read = _Measure(), _Measure()
        for seed in range(FIRST_SEED, FIRST_SEED + options.pages):
            font = options.font[seed % len(options.font)] if options.font else None
            [(_, page)] = layouts(text_width(font), [seed], [name])
            exact.add(page, as_found(page))
            read.add(page, _read(engine, page, f"{name} {seed}", font, options.keep))
        rows.append([[name], *([cell] for cell in (*exact.cells, *read.cells))])
    return Table(LAYOUT_HEADINGS, rows, frozenset())


@attrs.frozen
class _Measure:
    """What was right on the pages of a layout."""

    in_order: list[float] = attrs.field(factory=list)
    rows: list[bool] = attrs.field(factory=list)

    def add(self, page: Page, found: Iterable[PlacedText]) -> None:
        """Compare a page with the lines of what was found on it."""
        regions = tuple(Region(each.text, each.x, each.y, each.w, each.h) for each in found)
        lines = [line.text for line in Frame("", regions).lines]
        true = "".join(piece.text for piece in page.upright)
        errors = character_errors(squeezed(true), squeezed("".join(lines)))
        self.in_order.append(max(0.0, 1 - errors))
        self.rows.extend(any(_is_row(line, row) for line in lines) for row in page.rows)

    @property
    def cells(self) -> tuple[str, str]:
        """The mean of the pages, and of all rows."""
        rows = f"{100 * statistics.mean(self.rows):.1f} %" if self.rows else ""
        return f"{100 * statistics.mean(self.in_order):.1f} %", rows


def _is_row(line: str, row: Sequence[str]) -> bool:
    """Return whether a line is this row, with a blank between its texts and the right last text."""
    said, true = squeezed(line), squeezed("".join(row))
    return (
        len(line.split()) >= len(row)
        and said.endswith(squeezed(row[-1]))
        and character_errors(true, said) <= MAX_MISREAD
    )


def _read(
    engine: RapidOCREngine, page: Page, name: str, font: str | None, keep: Path | None
) -> Sequence[PlacedText]:
    """Draw a page and return what the engine finds."""
    print(name, file=sys.stderr, flush=True)
    picture = draw(page, font)
    if keep is not None:
        picture.save(keep / f"{name}.png")
    return engine.recognize(picture)


def _errors(page: Page, order: Iterable[PlacedText]) -> float:
    true = "".join(piece.text for piece in page.pieces)
    return character_errors(squeezed(true), squeezed("".join(piece.text for piece in order)))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.reading",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--font",
        action="append",
        default=[],
        metavar="FILE",
        help="draw the pages in this font, also Chinese ones; repeat it for several fonts",
    )
    parser.add_argument(
        "--pages", type=int, default=6, metavar="N", help="number of random pages of each layout"
    )
    parser.add_argument(
        "--crops", type=int, default=40, metavar="N", help="number of crops of one line"
    )
    parser.add_argument("--markdown", action="store_true", help="print the tables in Markdown")
    parser.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="keep the drawn pages in this folder"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
