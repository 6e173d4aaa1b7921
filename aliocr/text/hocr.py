"""Writes text and boxes as hOCR 1.2, a form of XHTML. Other programs read it, e.g. to make PDFs.

OCRmyPDF reads the first page of a file, and on this page only the lines in paragraphs. It draws a
line that runs down only if the line has the angle.

Source: "hOCR - OCR Workflow and Output embedded in HTML", version 1.2.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, pairwise
from typing import Literal, Protocol, TypeAlias
from xml.sax.saxutils import escape, quoteattr

import attrs

from aliocr.models import FailedRow, Failure, Frame, Region, Scan, error_of
from aliocr.redaction import without_query
from aliocr.text.layout import Line
from aliocr.text.vertical import MIN_TALL
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

MOST = 2**31 - 1
"""Maximum coordinate, in pixels. Other programs can store this integer, and any picture is smaller
than this."""

DOWNWARD = "textangle 270"
"""The angle of a line that runs down, in degrees against the clock."""

LETTER = (10, 20)
"""Width and height of a letter in pixels, for the page of a text without regions. This is about 10
points at 150 dots an inch."""

MIN_LONG = 2.5
"""Minimum ratio of the sides of a picture that the service cuts into strips. Source: documents,
"interval"."""

MIN_STRIP = 0.75
"""Minimum length of a strip along the picture, in widths of the picture. A picture of 2.5 widths
has the shortest strips: three of 0.83 widths each. A cut may avoid a line by a little."""


class _OutputRow(Protocol):
    """A row of a job's output, read from a file."""

    @property
    def ok(self) -> Literal[True]: ...

    @property
    def source(self) -> str: ...

    @property
    def text(self) -> str: ...

    @property
    def lines(self) -> tuple[Line[Region], ...]: ...

    @property
    def regions(self) -> tuple[Region, ...]: ...

    @property
    def frames(self) -> tuple[Frame, ...]: ...


_HocrPage: TypeAlias = Scan | Frame | _OutputRow


@attrs.frozen
class _PixelBox:
    """A box in whole pixels from the upper left corner of the picture.

    `right` and `bottom` are the first pixels outside the box. Any box has a pixel at least, because
    OCRmyPDF leaves out a line that has none.
    """

    left: int
    top: int
    right: int
    bottom: int

    def __str__(self) -> str:
        return f"bbox {self.left} {self.top} {self.right} {self.bottom}"

    @classmethod
    def around(cls, left: float, top: float, right: float, bottom: float) -> _PixelBox:
        """Return the smallest box of whole pixels around these edges, within 0 and `MOST`."""
        left, top = (min(max(0, math.floor(edge)), MOST - 1) for edge in (left, top))
        right, bottom = (min(math.ceil(edge), MOST) for edge in (right, bottom))
        return cls(left, top, max(left + 1, right), max(top + 1, bottom))

    @classmethod
    def over(cls, boxes: Sequence[_PixelBox]) -> _PixelBox:
        """Return the smallest box around at least one box."""
        return cls(
            min(each.left for each in boxes),
            min(each.top for each in boxes),
            max(each.right for each in boxes),
            max(each.bottom for each in boxes),
        )

    def within(self, page: _PixelBox) -> _PixelBox:
        """Return the part of the box that is on the page.

        If no part is on the page, return a pixel at the edge of the page.
        """
        left, top = min(self.left, page.right - 1), min(self.top, page.bottom - 1)
        right, bottom = min(self.right, page.right), min(self.bottom, page.bottom)
        return _PixelBox(left, top, max(left + 1, right), max(top + 1, bottom))

    def is_tall(self, text: str) -> bool:
        """Return whether a text of several letters runs down the box: it is vertical, or turned."""
        height, width = self.bottom - self.top, self.right - self.left
        return height >= MIN_TALL * width and _width(text.strip()) > 2


def to_hocr(
    scan: Scan | Failure | _OutputRow | FailedRow,
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
    text without regions becomes one line that is as wide as its page.

    Characters that XML does not allow are left out.

    Args:
        scan: A scan, or a row of an output (`aliocr.Read`).
        size: Width and height of the picture in pixels; all boxes are cut at the edges of the
            picture. If it is None, the page ends at the last edge of a region at the right and at
            the bottom, because the service does not give the size. Give the size to lay the text
            over the picture.
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
    moves = scan.frames and not _are_strips(scan.frames, source, size)
    pages: tuple[_HocrPage, ...] = scan.frames if moves else (scan,)
    head = HEAD.format(title=_escaped(name), version=__version__, pages=len(pages))
    body = (line for number, page in enumerate(pages) for line in _page(page, number, size, name))
    return head + "\n".join(body) + "\n</body>\n</html>\n"


def _are_strips(frames: Sequence[Frame], source: str, size: tuple[int, int] | None) -> bool:
    """Return whether the frames are strips, which lie one after the other along the picture.

    The service does not say it. The texts of the frames of a GIF lie on each other, as a rule.
    """
    if re.search(r"\.gif(?:$|[?#])", source, re.IGNORECASE):
        return False
    if size and max(size) <= MIN_LONG * min(size):
        return False
    if any(frame.text and not frame.regions for frame in frames):
        return False
    if not size and not any(frame.regions for frame in frames[1:]):
        return False
    filled = _around(chain.from_iterable(frame.regions for frame in frames))
    width, height = size or (filled.right, filled.bottom)
    middles = [
        [(each.x + each.w / 2, each.y + each.h / 2) for each in map(_real, frame.regions)]
        for frame in frames
    ]
    return _are_in_turn([[x for x, _ in frame] for frame in middles], MIN_STRIP * height) or (
        _are_in_turn([[y for _, y in frame] for frame in middles], MIN_STRIP * width)
    )


def _are_in_turn(frames: Sequence[Sequence[float]], strip: float) -> bool:
    """Return whether the texts of each frame are beyond those before, and in its own strip."""
    spans = [(number * strip, min(at), max(at)) for number, at in enumerate(frames) if at]
    return all(start <= first for start, first, _ in spans) and all(
        last < first for (_, _, last), (_, first, _) in pairwise(spans)
    )


def _page(page: _HocrPage, number: int, size: tuple[int, int] | None, name: str) -> Iterator[str]:
    lines = page.lines
    whole = _PixelBox(0, 0, *size) if size else _filled(page, lines)
    image = " ".join(name.replace('"', "%22").split())
    yield _tag(
        "div", "ocr_page", f"page_{number + 1}", f'image "{image}"; {whole}; ppageno {number}'
    )
    place = 0
    for order, area in enumerate(_areas(lines, whole), 1):
        label = f"{number + 1}_{order}"
        box = str(_PixelBox.over([where for _, where in area]))
        yield _tag("div", "ocr_carea", f"area_{label}", box)
        yield _tag("p", "ocr_par", f"par_{label}", box)
        for line, where in area:
            place += 1
            yield from _line(line, where, f"{number + 1}_{place}")
        yield "</p>"
        yield "</div>"
    yield "</div>"


def _filled(page: _HocrPage, lines: Iterable[Line[Region]]) -> _PixelBox:
    """Return the page from its upper left corner to the last edges of the text."""
    regions = [*page.regions, *chain.from_iterable(line.regions for line in lines)]
    if regions:
        filled = _around(regions)
        return _PixelBox(0, 0, filled.right, filled.bottom)
    return _PixelBox.around(0, 0, LETTER[0] * _width(page.text), LETTER[1])


def _areas(
    lines: Iterable[Line[Region]], page: _PixelBox
) -> Iterator[Sequence[tuple[Line[Region], _PixelBox]]]:
    """Yield the blocks of a page, as lines with their boxes.

    A block begins where the text goes on above the line before, as in the next column.
    """
    area: list[tuple[Line[Region], _PixelBox]] = []
    for line in lines:
        box = _around(line.regions or (_unplaced(line, page),)).within(page)
        if area and box.bottom <= area[-1][1].top:
            yield area
            area = []
        area.append((line, box))
    if area:
        yield area


def _unplaced(line: Line[Region], page: _PixelBox) -> Region:
    """Return a place for a text without regions: the page, or its upper part if it is tall.

    A line that is higher than wide would be taken for one that runs down.
    """
    return Region(line.text, 0, 0, page.right, min(page.right, page.bottom))


def _line(line: Line[Region], box: _PixelBox, label: str) -> Iterator[str]:
    title = f"{box}; {DOWNWARD}" if box.is_tall(line.text) else str(box)
    yield _tag("span", "ocr_line", f"line_{label}", title)
    for order, (word, where) in enumerate(_words(line.regions or (_unplaced(line, box),)), 1):
        if said := _escaped(word):
            tag = _tag("span", "ocrx_word", f"word_{label}_{order}", str(where.within(box)))
            yield f"{tag}{said}</span>"
    yield "</span>"


def _tag(name: str, kind: str, label: str, title: str) -> str:
    return f'<{name} class="{kind}" id="{label}" title={quoteattr(_legal(title))}>'


def _around(regions: Iterable[Region]) -> _PixelBox:
    boxes = [(each.x, each.y, each.x + each.w, each.y + each.h) for each in map(_real, regions)]
    if not boxes:
        return _PixelBox(0, 0, 0, 0)
    left, top, right, bottom = zip(*boxes, strict=True)
    return _PixelBox.around(min(left), min(top), max(right), max(bottom))


def _real(region: Region) -> Region:
    """Return the region with finite numbers; a reply may have any number, a file even NaN."""
    # The order of the arguments matters: if one of two arguments is NaN, `max` and `min` return the
    # first argument.
    x, y = (min(max(-MOST, edge), MOST) for edge in (region.x, region.y))
    w, h = (min(max(0, length), MOST) for length in (region.w, region.h))
    return Region(region.text, x, y, w, h)


def _words(regions: Iterable[Region]) -> Iterator[tuple[str, _PixelBox]]:
    """Yield the words of a line, each with its share of the region's box."""
    for region in map(_real, regions):
        x, y, w, h = region.x, region.y, region.w, region.h
        down = _around([region]).is_tall(region.text)
        length = _width(region.text) or 1  # the width is 0 if the text has only combining marks
        for found in re.finditer(r"\S+", region.text):
            start, end = (_width(region.text[:edge]) / length for edge in found.span())
            if down:
                yield found[0], _PixelBox.around(x, y + h * start, x + w, y + h * end)
            else:
                yield found[0], _PixelBox.around(x + w * start, y, x + w * end, y + h)


def _width(text: str) -> float:
    """Return the width of a text in letters: 0 for a combining mark, 2 for a Chinese character."""
    return sum(
        0 if unicodedata.combining(each) else 2 if unicodedata.east_asian_width(each) in "WF" else 1
        for each in text
    )


def _legal(text: str) -> str:
    return NOT_XML.sub("", text)


def _escaped(text: str) -> str:
    return escape(_legal(text))
