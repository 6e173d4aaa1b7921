"""Write a searchable PDF: the pictures as pages, with their text invisible over them."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from aliocr.atomic_file import Draft
from aliocr.export.formats import ExportError
from aliocr.export.originals import UNREADABLE, Original, PictureFiles
from aliocr.export.page_image import PageImage, images_of
from aliocr.export.pdf_file import PdfFile, PdfPage
from aliocr.export.tally import ExportTally
from aliocr.export.text_layer import UprightPage
from aliocr.export.text_page import TextPages
from aliocr.export.wording import label_of, legible
from aliocr.job.output.result import Read, Result
from aliocr.models import Region
from aliocr.pictures.size_limits import PictureError
from aliocr.text.boxes import around, width_of
from aliocr.text.layout import Line
from aliocr.text.pages import pages_of

MARGIN = 40
"""Width of the margin of a page that has no picture, in pixels."""

MAX_LETTERS, LETTER_WIDTH, LETTER_HEIGHT, LINE_HEIGHT = 60, 12, 24, 36
"""For a text that has no places: maximum number of letters of a line, and sizes in pixels."""

NO_FONT = "characters drawn as □; no font on this machine has them"


def write_pdf(
    rows: Iterable[Result], target: Path, originals: PictureFiles, tally: ExportTally
) -> None:
    """Write a page for each picture or frame; see `aliocr.export.formats.Writer`."""
    text_pages = TextPages()
    with Draft(target) as draft, PdfFile(target.absolute().parent) as pdf:
        for row in rows:
            if not isinstance(row, Read):
                tally.unread += 1
                continue
            for page in _pages(row, originals.of(row), text_pages, tally):
                pdf.add(page)
                tally.written += 1
        if not tally.written:
            raise ExportError("no picture was read, so the PDF would have no page")
        pdf.save(draft.file, legible(target.stem))
        draft.place()
    if text_pages.lacking:
        tally.remarks[NO_FONT] = text_pages.lacking


def _pages(
    row: Read, original: Original, text_pages: TextPages, tally: ExportTally
) -> Iterator[PdfPage]:
    """Yield the pages of a row: of its picture, or of its text if the picture is not at hand."""
    pages = pages_of(row, original.size)
    images = _images(row, original, several=len(pages) > 1)
    for number, page in enumerate(pages, 1):
        lines = tuple(_placed(page.lines))
        place = UprightPage.of(*(original.size or _filled(lines)), row.turn)
        image = next(images, None)
        if image is None:
            tally.remarks[f"drawn as text; {original.missing or UNREADABLE}"] += 1
            image, turned = text_pages.drawn(lines, place), False
        else:
            turned = True
        dpi = original.header.dpi if original.header else None
        label = legible(label_of(row)) if number == 1 else None
        yield PdfPage(lines, place, image, dpi, label, image_is_upright=not turned)


def _images(row: Read, original: Original, *, several: bool) -> Iterator[PageImage]:
    """Yield the images of the picture, as far as it can be decoded."""
    if original.path is None or original.header is None:
        return
    chosen = (row.interval, row.max_frames) if several else (None, None)
    with suppress(OSError, PictureError, MemoryError):
        yield from images_of(original.path.read_bytes(), original.header, *chosen)


def _placed(lines: Iterable[Line[Region]]) -> Iterator[Line[Region]]:
    """Yield the lines with places; a text that has none is wrapped, and begins at the top."""
    number = 0
    for line in lines:
        if line.regions:
            yield line
            continue
        for paragraph in line.text.splitlines():
            for text in textwrap.wrap(paragraph, MAX_LETTERS):
                y = MARGIN + number * LINE_HEIGHT
                width = LETTER_WIDTH * width_of(text)
                yield Line(text, (Region(text, MARGIN, y, width, LETTER_HEIGHT),))
                number += 1


def _filled(lines: Iterable[Line[Region]]) -> tuple[int, int]:
    """Return the size of a page that ends behind its text."""
    filled = around([region for line in lines for region in line.regions])
    return filled.right + MARGIN, filled.bottom + MARGIN
