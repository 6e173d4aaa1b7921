"""Draw a page of text, for a picture that is not on this machine."""

from __future__ import annotations

from aliocr.export.page_image import PageImage, encoded
from aliocr.export.text_layer import UprightPage
from aliocr.export.wording import legible
from aliocr.extras import needed
from aliocr.models import Region
from aliocr.pictures.fonts import LACKING, Lettering
from aliocr.text.boxes import is_tall
from aliocr.text.layout import Line

with needed("pdf"):
    from PIL import Image, ImageDraw

MAX_PIXELS = 4_000_000
"""Maximum number of pixels of a drawn page; the text of a larger page is drawn smaller."""

HEIGHT = 0.8
"""Size of the font, as a share of the height of a region. A box is a little higher than letters."""

WHITE, BLACK = 255, 0


class TextPages:
    """Draws pages of text, with the fonts of this machine.

    Attributes:
        lacking: Number of characters so far that no font has.
    """

    def __init__(self) -> None:
        self._lettering = Lettering()
        self.lacking = 0

    def drawn(self, lines: tuple[Line[Region], ...], page: UprightPage) -> PageImage:
        """Return the image of an upright page with each region at its place."""
        scale = min(1.0, (MAX_PIXELS / (page.width * page.height)) ** 0.5)
        size = (max(1, round(page.width * scale)), max(1, round(page.height * scale)))
        image = Image.new("L", size, WHITE)
        draw = ImageDraw.Draw(image)
        for line in lines:
            for region in line.regions:
                self._write(draw, page.place(region), scale)
        return encoded(image)

    def _write(self, draw: ImageDraw.ImageDraw, region: Region, scale: float) -> None:
        text = legible(region.text).strip()
        self.lacking += len(self._lettering.lacks(text))
        if not text:
            return
        text = self._lettering.written(text) or LACKING * len(text)
        x, y, w, h = (each * scale for each in (region.x, region.y, region.w, region.h))
        down = is_tall(text, w, h)
        across, along = (w, h) if down else (h, w)
        faces = self._lettering.faces(text)
        size = max(1, round(HEIGHT * across))
        length = sum(face.width(each, size) for each, face in zip(text, faces, strict=True))
        if not down and length > along:
            size = max(1, int(size * along / length))
        step = along / len(text)
        for each, face in zip(text, faces, strict=True):
            if down:
                draw.text((x + w / 2, y + step / 2), each, BLACK, face.at(size), anchor="mm")
                y += step
            else:
                draw.text((x, y + 0.8 * h), each, BLACK, face.at(size), anchor="ls")
                x += face.width(each, size)
