"""Writes text and boxes as hOCR 1.2, a form of XHTML. Other programs read it, e.g. to make PDFs.

Source: "hOCR - OCR Workflow and Output embedded in HTML", version 1.2.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Literal, Protocol, TypeAlias
from xml.sax.saxutils import escape, quoteattr

import attrs

from aliocr.models import FailedRow, Failure, Frame, Region, Scan, error_of
from aliocr.redaction import without_query
from aliocr.text.layout import Line
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
<meta name="ocr-capabilities" content="ocr_page ocr_line ocrx_word" />
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


class _OutputRow(Protocol):
    """A row of a job's output, read from a file."""

    @property
    def ok(self) -> Literal[True]: ...

    @property
    def source(self) -> str: ...

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

    `right` and `bottom` are the first pixels outside the box.
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
        left, top = (min(max(0, math.floor(edge)), MOST) for edge in (left, top))
        right, bottom = (min(math.ceil(edge), MOST) for edge in (right, bottom))
        return cls(left, top, max(left, right), max(top, bottom))

    def within(self, page: _PixelBox) -> _PixelBox:
        """Return the part of the box that is on the page.

        If no part is on the page, return an empty box at the edge of the page.
        """
        return _PixelBox(
            min(self.left, page.right),
            min(self.top, page.bottom),
            min(self.right, page.right),
            min(self.bottom, page.bottom),
        )


def to_hocr(
    scan: Scan | Failure | _OutputRow | FailedRow,
    *,
    size: tuple[int, int] | None = None,
    title: str | None = None,
) -> str:
    """Return a scan as an hOCR document with pages, lines in reading order, and words.

    A picture of several frames has one page per frame. The service gives no boxes of words, so the
    box of a region is divided among its words by the usual width of their letters. A text without
    regions becomes one line that is as large as its page.

    Characters that XML does not allow are left out.

    Args:
        scan: A scan, or a row of an output (`aliocr.Read`).
        size: Width and height of the picture in pixels; all boxes are cut at the edges of the
            picture. If it is None, the page is as large as the area that the regions fill, because
            the service does not give the size.
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
    pages: tuple[_HocrPage, ...] = scan.frames or (scan,)
    head = HEAD.format(title=_escaped(name), version=__version__, pages=len(pages))
    body = (line for number, page in enumerate(pages) for line in _page(page, number, size, name))
    return head + "\n".join(body) + "\n</body>\n</html>\n"


def _page(page: _HocrPage, number: int, size: tuple[int, int] | None, name: str) -> Iterator[str]:
    filled = _around(page.regions)
    whole = _PixelBox(0, 0, *(size or (filled.right, filled.bottom)))
    image = " ".join(name.replace('"', "%22").split())
    yield _tag(
        "div", "ocr_page", f"page_{number + 1}", f'image "{image}"; {whole}; ppageno {number}'
    )
    for place, line in enumerate(page.lines, 1):
        label = f"{number + 1}_{place}"
        box = _around(line.regions).within(whole) if line.regions else whole
        yield _tag("span", "ocr_line", f"line_{label}", str(box))
        words = _words(line.regions) if line.regions else [(line.text, whole)]
        for order, (word, where) in enumerate(words, 1):
            tag = _tag("span", "ocrx_word", f"word_{label}_{order}", str(where.within(whole)))
            if said := _escaped(word):
                yield f"{tag}{said}</span>"
        yield "</span>"
    yield "</div>"


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
        length = _width(region.text) or 1  # the width is 0 if the text has only combining marks
        for found in re.finditer(r"\S+", region.text):
            start = region.x + region.w * _width(region.text[: found.start()]) / length
            end = region.x + region.w * _width(region.text[: found.end()]) / length
            yield found[0], _PixelBox.around(start, region.y, end, region.y + region.h)


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
