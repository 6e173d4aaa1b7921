"""A PDF that was exported, as pdfium reads it: its pages, their texts and places."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import attrs
import pytest

from aliocr.job.output.result import Result

Place = tuple[float, float, float, float]


@attrs.frozen
class BookPage:
    """A page: its size in points, its lines, and a place for each line.

    `corner` is the colour of a pixel near the upper left corner.
    """

    size: tuple[float, float]
    lines: list[str]
    places: dict[str, Place]
    corner: tuple[int, ...]


def pages_of_book(path: Path) -> list[BookPage]:
    """Return the pages of a PDF; the places are in points from the upper left corner."""
    pdfium = pytest.importorskip("pypdfium2", reason="the extra consumers brings it")
    with pdfium.PdfDocument(path) as document:
        return [_page(page) for page in document]


def _page(page: Any) -> BookPage:
    words = page.get_textpage()
    lines = [line.strip() for line in words.get_text_range().split("\r\n")]
    height = page.get_height()
    places = {}
    for line in filter(None, lines):
        if max(line) > "\uffff":  # pdfium reads such letters, but does not look for them
            continue
        found = words.search(line, match_case=True).get_next()
        assert found is not None, f"pdfium does not find {line!r}"
        boxes = [words.get_charbox(found[0] + at) for at in range(found[1])]
        left, bottom, right, top = zip(*boxes, strict=True)
        places[line] = (min(left), height - max(top), max(right), height - min(bottom))
    at = min(4, int(min(page.get_size())) - 1)
    pixels = page.render(scale=1).to_pil().convert("RGB")
    return BookPage(page.get_size(), list(filter(None, lines)), places, pixels.getpixel((at, at)))


def book(folder: Path, rows: Iterable[Result], given: Path | None = None) -> tuple[Path, Any]:
    """Export rows as a PDF; return its path and the tally."""
    from aliocr.export.originals import PictureFiles
    from aliocr.export.pdf import write_pdf
    from aliocr.export.tally import ExportTally

    path, tally = folder / "book.pdf", ExportTally()
    write_pdf(rows, path, PictureFiles(folder, given), tally)
    return path, tally
