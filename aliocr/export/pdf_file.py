"""A PDF that is written page by page, so that memory does not grow with its pictures.

pikepdf holds new pages in memory, and pages that are copied from another document. So the pages are
written in parts, each to a temporary file beside the target. At the end qpdf, on which pikepdf is
built, joins the files, and copies the pictures from file to file.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import TracebackType
from typing import IO, BinaryIO, Self, cast

import attrs

from aliocr.checks import is_text
from aliocr.export.glyphless import GlyphlessFont
from aliocr.export.page_image import PageImage
from aliocr.export.text_layer import UprightPage, text_layer
from aliocr.extras import needed
from aliocr.models import Region
from aliocr.text.layout import Line
from aliocr.version import __version__

with needed("pdf"):
    from pikepdf import (
        AccessMode,
        Array,
        Dictionary,
        Job,
        Name,
        Object,
        OutlineItem,
        Page,
        Pdf,
        Stream,
        String,
    )

DPI = 150
"""Resolution of a picture that has none, in dots per inch."""

MAX_POINTS = 14_400
"""Maximum length of a side of a page, in points. Source: PDF 1.7, annex C."""

MIN_POINTS = 3
"""Minimum length of a side of a page, in points. Source: PDF 1.7, annex C."""

PART_BYTES, PART_PAGES = 16_000_000, 500
"""Maximum size of the pictures of a part, and maximum number of its pages."""

CORNERS = {
    1: ((0, 0), (1, 0), (0, 1)),
    2: ((1, 0), (0, 0), (1, 1)),
    3: ((1, 1), (0, 1), (1, 0)),
    4: ((0, 1), (1, 1), (0, 0)),
    5: ((0, 0), (0, 1), (1, 0)),
    6: ((1, 0), (1, 1), (0, 0)),
    7: ((1, 1), (1, 0), (0, 1)),
    8: ((0, 1), (0, 0), (1, 1)),
}
"""For each EXIF orientation, where the stored upper left, upper right and lower left corners are
shown, from the upper left corner of the page. Source: EXIF 2.32, tag Orientation."""


@attrs.frozen
class PdfPage:
    """A page of the PDF.

    Args:
        lines: The lines of text in reading order, with their regions.
        place: The place of the page.
        image: The picture of the page.
        dpi: Resolution of the picture in dots per inch; None if it is not known.
        label: The bookmark of the page; None for no bookmark.
        image_is_upright: True for an image that was drawn as `place` is, so that it is not turned.
    """

    lines: tuple[Line[Region], ...]
    place: UprightPage
    image: PageImage
    dpi: float | None = None
    label: str | None = None
    image_is_upright: bool = False


class PdfFile:
    """A PDF under way. Use it in a `with` block, which removes the temporary files at its end.

    Args:
        folder: The folder of the temporary files.
    """

    def __init__(self, folder: Path) -> None:
        # pikepdf takes names in UTF-8 only, and in some locales the folder has another one.
        place = folder if is_text(str(folder)) else None
        self._folder = tempfile.TemporaryDirectory(dir=place, prefix=".aliocr-", suffix=".part")
        self._parts: list[Path] = []
        self._labels: list[tuple[int, str]] = []
        self._pages = 0
        self._begin()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._pdf.close()
        self._folder.cleanup()

    def add(self, page: PdfPage) -> None:
        """Append a page.

        Raises:
            OSError: A temporary file cannot be written.
        """
        place, pdf = page.place, self._pdf
        longest = max(place.width, place.height)
        scale = min(72 / (page.dpi or DPI), MAX_POINTS / longest)
        width, height = (max(MIN_POINTS, each * scale) for each in (place.width, place.height))
        content = text_layer(page.lines, place, scale, self._font)
        turn = 0 if page.image_is_upright else place.turn
        matrix = _matrix(page.image.orientation, turn, width, height)
        content = b"q %b cm /I Do Q\n%b" % (matrix, content)
        resources = Dictionary(XObject=Dictionary(I=_image(pdf, page.image)), Font=Dictionary())
        drawn = Dictionary(
            Type=Name.Page,
            MediaBox=[0, 0, round(width, 3), round(height, 3)],
            Resources=resources,
            Contents=Stream(pdf, content),
        )
        self._bytes += len(page.image.data)
        pdf.pages.append(Page(pdf.make_indirect(drawn)))
        if page.label:
            self._labels.append((self._pages, page.label))
        self._pages += 1
        if self._bytes > PART_BYTES or len(pdf.pages) >= PART_PAGES or self._font.is_full:
            self._end()
            self._begin()

    def save(self, file: IO[bytes], title: str) -> None:
        """Write the whole PDF to a file that is open for writing.

        Raises:
            OSError: The file cannot be written.
        """
        self._end()
        joined = self._path("joined")
        Job(["pikepdf", "--empty", "--pages", *map(str, self._parts), "--", str(joined)]).run()
        with Pdf.open(joined, access_mode=AccessMode.stream) as whole:
            with whole.open_outline() as outline:
                outline.root.extend(OutlineItem(label, page) for page, label in self._labels)
            whole.docinfo[Name.Title] = String(title)
            whole.docinfo[Name.Producer] = String(f"aliocr {__version__}")
            del whole.trailer.ID  # a random one, of the joined file
            whole.save(cast("BinaryIO", file), deterministic_id=True)

    def _path(self, name: str) -> Path:
        return Path(self._folder.name, f"{name}.pdf")

    def _begin(self) -> None:
        self._pdf = Pdf.new()
        self._font = GlyphlessFont()
        self._bytes = 0

    def _end(self) -> None:
        """Write the part to a temporary file, and let its memory go."""
        font = self._font.add_to(self._pdf)
        for page in self._pdf.pages:
            page.obj.Resources.Font.F = font
        part = self._path(f"{len(self._parts)}")
        self._pdf.save(part)
        self._pdf.close()
        self._parts.append(part)


def _image(pdf: Pdf, image: PageImage) -> Object:
    space: Object = {1: Name.DeviceGray, 3: Name.DeviceRGB, 4: Name.DeviceCMYK}[image.colours]
    if image.palette:
        last = len(image.palette) // 3 - 1
        space = Array([Name.Indexed, Name.DeviceRGB, last, String(image.palette)])
    stream = Stream(
        pdf,
        image.data,
        Type=Name.XObject,
        Subtype=Name.Image,
        Width=image.width,
        Height=image.height,
        ColorSpace=space,
        BitsPerComponent=image.bits,
        Filter=Name.DCTDecode if image.is_jpeg else Name.FlateDecode,
    )
    if image.colours == 4:
        stream.Decode = [1, 0] * 4  # JPEGs in CMYK are inverted, as Adobe's programs write them
    if not image.is_jpeg:
        stream.DecodeParms = Dictionary(
            Predictor=15, Colors=image.colours, BitsPerComponent=image.bits, Columns=image.width
        )
    return stream


def _matrix(orientation: int, turn: int, width: float, height: float) -> bytes:
    """Return the matrix that lays an image over the page, upright."""
    corners = CORNERS[orientation]
    for _ in range(turn // 90):
        corners = tuple((1 - y, x) for x, y in corners)  # type: ignore[assignment]
    (x, y), right, below = ((x * width, (1 - y) * height) for x, y in corners)
    # The origin of an image is its lower left corner.
    across = (right[0] - x, right[1] - y)
    up = (x - below[0], y - below[1])
    return b"%.3f %.3f %.3f %.3f %.3f %.3f" % (*across, *up, *below)
