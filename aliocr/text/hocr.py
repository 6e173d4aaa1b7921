"""Writes text and boxes as hOCR 1.2, a form of XHTML. Other programs read it, e.g. to make PDFs.

OCRmyPDF reads the first page of a file, and on this page only the lines in paragraphs. It draws a
line that runs down only if the line has the angle.

Source: "hOCR - OCR Workflow and Output embedded in HTML", version 1.2.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from xml.sax.saxutils import escape, quoteattr

from aliocr.models import FailedRow, Failure, Region, Scan, error_of
from aliocr.redaction import without_query
from aliocr.text.boxes import PixelBox, around, is_tall, real, width_of, words_of
from aliocr.text.layout import Line
from aliocr.text.pages import OutputRow, Page, pages_of, size_of
from aliocr.version import __version__

HEAD = """\
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN"
    "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html xmlns="http://www.w3.org/1999/xhtml">
<head>
<title>{title}</title>
<meta http-equiv="Content-Type" content="text/html; charset=utf-8" />
<meta name="ocr-system" content="aliocr {version}" />
<meta name="ocr-capabilities" content="ocr_page ocr_carea ocr_par ocr_line ocrx_word" />
<meta name="ocr-number-of-pages" content="{pages}" />
<meta name="ocr-langs" content="unknown" />
<meta name="ocr-scripts" content="unknown" />
</head>
<body>
"""

NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Any character that XML does not allow. Source: "Extensible Markup Language (XML) 1.0",
production 2."""

DOWNWARD = 270
"""The angle of a line that runs down, in degrees against the clock."""

LETTER = (10, 20)
"""Width and height of a letter in pixels, for the page of a text without regions. This is about 10
points at 150 dots an inch."""


def to_hocr(
    scan: Scan | Failure | OutputRow | FailedRow,
    *,
    size: tuple[int, int] | None = None,
    title: str | None = None,
) -> str:
    """Return a scan as an hOCR document: pages, areas, paragraphs, lines in reading order, words.

    Each block or column is an area of one paragraph, so that OCRmyPDF and others find the lines.

    A GIF has one page per frame that was read. A long picture, which the service reads in strips,
    is one page. Its regions are in pixels of the whole picture.

    The service gives no boxes of words, so the box of a region is divided among its words by the
    usual width of their letters: from left to right, or from top to bottom if the region is tall. A
    line that is not upright has its angle. A text without regions becomes one line that is as wide
    as its page.

    Characters that XML does not allow are left out.

    Args:
        scan: A scan, or a row of an output (`aliocr.Read`).
        size: Width and height of the picture in pixels; all boxes are cut at the edges of the
            picture. None means the size of the scan, which is known if the picture was read on this
            machine. The service does not give it: then the page ends at the last edge of a region
            at the right and at the bottom. Give the size to lay the text over the picture.
        title: Title of the document and name of the picture, by which other programs find the
            picture. None means the URL of the picture without the query, or its path.

    Raises:
        OCRError: `scan` is a failure; this is its error.
        ValueError: The size is not a pair of numbers above 0.
    """
    if not scan.ok:
        raise error_of(scan)
    if size is not None and not (len(size) == 2 and min(size) > 0):
        raise ValueError(f"size must be a width and a height in pixels, or None, not {size!r}")
    source = scan.image.url if isinstance(scan, Scan) else scan.source
    name = title if title is not None else without_query(source) if "://" in source else source
    size = size or size_of(scan)
    pages = pages_of(scan, size)
    turn = scan.turn or 0
    head = HEAD.format(title=_escaped(name), version=__version__, pages=len(pages))
    body = (
        line for number, page in enumerate(pages) for line in _page(page, number, size, turn, name)
    )
    return head + "\n".join(body) + "\n</body>\n</html>\n"


def _page(
    page: Page, number: int, size: tuple[int, int] | None, turn: int, name: str
) -> Iterator[str]:
    whole = PixelBox(0, 0, *size) if size else _filled(page)
    image = " ".join(name.replace('"', "%22").split())
    yield _tag(
        "div", "ocr_page", f"page_{number + 1}", f'image "{image}"; {whole}; ppageno {number}'
    )
    place = 0
    for order, area in enumerate(_areas(page.lines, whole), 1):
        label = f"{number + 1}_{order}"
        box = str(PixelBox.over([where for _, where in area]))
        yield _tag("div", "ocr_carea", f"area_{label}", box)
        yield _tag("p", "ocr_par", f"par_{label}", box)
        for line, where in area:
            place += 1
            yield from _line(line, where, turn, f"{number + 1}_{place}")
        yield "</p>"
        yield "</div>"
    yield "</div>"


def _filled(page: Page) -> PixelBox:
    """Return the page from its upper left corner to the last edges of the text."""
    regions = [*page.regions, *chain.from_iterable(line.regions for line in page.lines)]
    if regions:
        filled = around(regions)
        return PixelBox(0, 0, filled.right, filled.bottom)
    return PixelBox.around(0, 0, LETTER[0] * width_of(page.text), LETTER[1])


def _areas(
    lines: Iterable[Line[Region]], page: PixelBox
) -> Iterator[Sequence[tuple[Line[Region], PixelBox]]]:
    """Yield the blocks of a page, as lines with their boxes.

    A block begins where the text goes on above the line before, as in the next column.
    """
    area: list[tuple[Line[Region], PixelBox]] = []
    for line in lines:
        box = around(line.regions or (_unplaced(line, page),)).within(page)
        if area and box.bottom <= area[-1][1].top:
            yield area
            area = []
        area.append((line, box))
    if area:
        yield area


def _unplaced(line: Line[Region], page: PixelBox) -> Region:
    """Return a place for a text without regions: the page, or its upper part if it is tall.

    A line that is higher than wide would be taken for one that runs down.
    """
    return Region(line.text, 0, 0, page.right, min(page.right, page.bottom))


def _line(line: Line[Region], box: PixelBox, turn: int, label: str) -> Iterator[str]:
    regions = line.regions or (_unplaced(line, box),)
    turn = turn if line.regions else 0
    across, down = box.right - box.left, box.bottom - box.top
    if turn % 180:
        across, down = down, across
    angle = (turn + (DOWNWARD if is_tall(line.text, across, down) else 0)) % 360
    yield _tag(
        "span", "ocr_line", f"line_{label}", f"{box}; textangle {angle}" if angle else f"{box}"
    )
    words = chain.from_iterable(words_of(real(region), turn) for region in regions)
    for order, word in enumerate(words, 1):
        if said := _escaped(word.text):
            where = around([word]).within(box)
            tag = _tag("span", "ocrx_word", f"word_{label}_{order}", str(where))
            yield f"{tag}{said}</span>"
    yield "</span>"


def _tag(name: str, kind: str, label: str, title: str) -> str:
    return f'<{name} class="{kind}" id="{label}" title={quoteattr(_legal(title))}>'


def _legal(text: str) -> str:
    return NOT_XML.sub("", text)


def _escaped(text: str) -> str:
    return escape(_legal(text))
