"""Pages of many kinds whose order is known, from their exact boxes in any order."""

from __future__ import annotations

import importlib.util
import random
import statistics
from pathlib import Path

import attrs
import pytest

from aliocr.models import Image, Region, Scan
from aliocr.text.geometry import PlacedText
from aliocr.text.layout import lines_of, reading_order

ROOT = Path(__file__).parents[2]
if not (ROOT / "benchmarks" / "__main__.py").exists():
    pytest.skip("the benchmarks are in a clone, not in the wheel", allow_module_level=True)

from benchmarks.reading.errors import character_errors, squeezed  # noqa: E402
from benchmarks.reading.layouts import LAYOUTS, as_found, layouts  # noqa: E402
from benchmarks.reading.pages import Page, em_width, pages  # noqa: E402

PAGES = dict(pages(em_width))

SEEDS = range(1_000, 1_008)
"""No value of the library was chosen by the pages of these seeds."""

MIN_IN_ORDER, MIN_PAIRS = 0.93, 0.97


def _errors(page: Page, order: tuple[PlacedText, ...]) -> float:
    true, found = ("".join(piece.text for piece in pieces) for pieces in (page.pieces, order))
    return character_errors(squeezed(true), squeezed(found))


def _shuffled(page: Page) -> list[Region]:
    return random.Random(4).sample(page.pieces, len(page.pieces))


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_read_as_a_person_reads_it(name: str) -> None:
    """Columns, tables, receipts, sidebars, cards, conversations, a little askew or not."""
    page = PAGES[name]
    assert _errors(page, reading_order(_shuffled(page))) == 0


@pytest.mark.parametrize("name", LAYOUTS)
def test_pages_of_many_kinds_are_read_in_order(name: str) -> None:
    """Narrow gutters, captions across them, photos turned to both sides, vertical poems."""
    right = []
    in_order = []
    for _, page in layouts(em_width, SEEDS, names=[name]):
        lines = lines_of(Scan(Image("https://example.com/a.png"), "", tuple(as_found(page))))
        texts = [line.text for line in lines]
        true = "".join(piece.text for piece in page.upright)
        in_order.append(1 - character_errors(squeezed(true), squeezed("".join(texts))))
        right += [" ".join(pair) in texts for pair in page.rows]
    assert statistics.mean(in_order) >= MIN_IN_ORDER
    assert not right or statistics.mean(right) >= MIN_PAIRS


@pytest.mark.parametrize("name", PAGES)
def test_boxes_need_not_be_exact(name: str) -> None:
    """An engine's are a tenth of a line off, and a fifth too high."""
    chance = random.Random(5)

    def seen(piece: Region) -> Region:
        off = 0.1 * piece.h
        return attrs.evolve(
            piece,
            x=piece.x + chance.uniform(-off, off),
            y=piece.y - off + chance.uniform(-off, off) / 2,
            w=piece.w + chance.uniform(-off, off),
            h=1.2 * piece.h + chance.uniform(-off, off) / 2,
        )

    page = PAGES[name]
    worst = max(
        _errors(page, reading_order([seen(piece) for piece in _shuffled(page)])) for _ in range(5)
    )
    assert worst <= NOISY.get(name, 0.0)


NOISY = {"letter with two addresses": 0.1}
"""Character errors of pages that boxes less than exact may spoil."""


def test_a_receipts_lines_are_what_is_printed() -> None:
    """Each price in the line of its article."""
    page = PAGES["receipt"]
    regions = tuple(_shuffled(page))
    lines = lines_of(Scan(Image("https://example.com/a.png"), "", regions))
    assert len(lines) == 3 + 9 + 3 + 1
    assert [len(line.regions) for line in lines] == [1] * 3 + [2] * 12 + [1]


def test_errors_are_counted_as_they_are_elsewhere() -> None:
    """Insertions, deletions and replacements, of the characters that are true."""
    assert character_errors("kitten", "sitting") == 3 / 6
    assert character_errors("same", "same") == 0
    assert character_errors("abcd", "") == 1
    assert character_errors("ab", "abab") == 1
    assert character_errors("receipt", "reciept") == 2 / 7


def test_pages_are_drawn_and_measured() -> None:
    """The pictures of the measurement hold the text of their pages."""
    pytest.importorskip("PIL")
    from benchmarks.reading.drawing import draw, text_width

    drawn = dict(pages(text_width(None), chinese=False))
    for name in ("two columns", "receipt, 2° askew"):
        page = drawn[name]
        picture = draw(page, None)
        assert picture.size == (page.width, page.height)
        for piece in page.pieces:
            box = (piece.x, piece.y, piece.x + piece.w, piece.y + piece.h)
            assert min(picture.crop(box).convert("L").tobytes()) < 100
    assert importlib.util.find_spec("benchmarks.reading.__main__") is not None
