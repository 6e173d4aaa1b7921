"""Draw the pages of one picture, and stack the pages into one drawing."""

from __future__ import annotations

import math
import statistics
from collections.abc import Generator, Sequence
from pathlib import Path

from aliocr.extras import needed
from aliocr.models import Region
from aliocr.pictures.drawn import DrawnFrame
from aliocr.pictures.fonts import Lettering, plain
from aliocr.pictures.picture import PictureFrame
from aliocr.pictures.sheet import CANVAS, Sheet, sheet_of
from aliocr.pictures.sheet_plan import Look, is_stray, numbered
from aliocr.text.layout import Line

with needed("pictures"):
    from PIL import Image

MOST_NAMED = 8
"""A remark names at most this number of characters that no font has."""


class Artist:
    """Draws all pages of one picture: each frame of a GIF is a page, any other picture is one page.

    Attributes:
        drawn: Place of each page in the drawing.
        texts: Number of texts that were read.
        unwritten: Number of texts that have at least one character that no font has.

    Raises:
        FontError: The font file cannot be used.
    """

    def __init__(
        self, font: str | Path | None, pages: Sequence[Sequence[Line[Region]]], *, most_pixels: int
    ) -> None:
        lettering = Lettering(font)
        every = [line for lines in pages for line in lines]
        said = [
            text
            for line in every
            for each in [region.text for region in line.regions] or [line.text]
            if (text := plain(each))
        ]
        heights = [region.h for line in every for region in line.regions if 0 < region.h < math.inf]
        lacking = [lettering.lacks(text) for text in said]
        self._pages = pages
        self._look = Look(
            lettering,
            statistics.median(heights) if heights else 0,
            len(said),
            most_pixels // len(pages),
        )
        self._lacking = dict.fromkeys("".join(lacking))
        self._sheets: list[Sheet] = []
        self._stray = 0
        self.texts = len(said)
        self.unwritten = sum(map(bool, lacking))
        self._blank = sum(not lettering.written(text) for text in said)
        self.drawn: tuple[DrawnFrame, ...] = ()

    def draw(self, frames: Generator[PictureFrame, None, None]) -> None:
        """Draw each page on its frame; close `frames` after the last frame is decoded."""
        top, placed = 0, 0
        for number, lines in enumerate(self._pages, 1):
            frame = next(frames, None)
            if frame is None:
                raise ValueError(
                    f"{len(self._pages)} frames were read, but the picture has only "
                    f"{number - 1} of these frames, so it is not the picture that was read"
                )
            if number == len(self._pages):
                frames.close()  # to free the decoder's memory, which is as large as the picture
            size = (frame.width, frame.height)
            found = numbered(lines, size, placed + 1)
            placed += sum(piece.number is not None for line in found for piece in line)
            self._stray += sum(is_stray(region, size) for line in lines for region in line.regions)
            sheet = sheet_of(
                frame.picture,
                size,
                found,
                self._look,
                heading=f"Frame {frame.index + 1}" if len(self._pages) > 1 else "",
                bare=self._blank == self.texts,
            )
            self._sheets.append(sheet)
            self.drawn += (DrawnFrame(frame.index, sheet.x, top + sheet.y, sheet.scale),)
            top += sheet.image.height

    def stacked(self) -> Image.Image:
        """Return one image with all pages, one below the other.

        The pages are removed from memory, so call this method only once.
        """
        if len(self._sheets) == 1:
            return self._sheets.pop().image
        width = max(sheet.image.width for sheet in self._sheets)
        top = sum(sheet.image.height for sheet in self._sheets)
        whole = Image.new("RGB", (width, top), CANVAS)
        while self._sheets:
            image = self._sheets.pop().image
            top -= image.height
            whole.paste(image, (0, top))
        return whole

    def remarks(self) -> tuple[str, ...]:
        """Return sentences about problems of the drawing.

        Call this method before `stacked`, because `stacked` removes the pages.
        """
        said: list[str] = []
        if self.unwritten:
            named = " ".join(list(self._lacking)[:MOST_NAMED])
            more = " …" if len(self._lacking) > MOST_NAMED else ""
            how = "numbers only" if self._blank == self.unwritten else "not written whole"
            said.append(
                f"{self.unwritten} of {self.texts} texts are {how}, because no font has "
                f"{named}{more}; install Noto Sans CJK, or give a font file with these characters"
            )
        if self._stray:
            boxes = "1 box reaches" if self._stray == 1 else f"{self._stray} boxes reach"
            said.append(f"{boxes} out of the picture, so it may not be the picture that was read")
        if any(not sheet.panel for sheet in self._sheets) and self._blank < self.texts:
            said.append("too much text for one picture, so only the numbers are drawn")
        least = min(sheet.scale for sheet in self._sheets)
        if least < 1:
            said.append(f"drawn at {least:.0%} of the picture's size")
        return tuple(said)
