"""The page's choice for a picture: the picture itself, a link to it, or nothing."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol

from aliocr.job.input.rows import BAD_ROW
from aliocr.job.output.result import Read, Result
from aliocr.pictures.size_limits import PictureError
from aliocr.report.entry import EmbeddedPage, EmbeddedPicture, LinkedPicture, NoPicture, Shown
from aliocr.report.fetching import MissingError
from aliocr.report.originals import Originals, address

SHORT_SIDE_PIXELS = 900
"""Shorter side of a picture on the page, which shows it at half size, for high-density screens."""

PIXELS, PIXELS_IN_ALL = 4_000_000, 8_000_000
"""Pixels of one picture, a limit for long images only, and of all frames of a GIF."""

QUALITY = 75
"""Quality of WEBP: half the bytes of a JPEG with the same look."""

DECODED_AT_ONCE = min(4, os.cpu_count() or 1)
"""Pictures decoded at once; each may hold some 200 MB."""

Keep = Callable[[str], int]
"""Puts a `data:` URI into the page and returns its number there."""


class Gallery(Protocol):
    """Decides what the page shows of a picture. Allows calls at the same time."""

    @property
    def linked(self) -> bool:
        """True if the page loads pictures from their addresses."""

    async def shown(self, result: Result, page: Path, keep: Keep) -> Shown:
        """Return the picture, the link or the reason for the page."""


class LeftOut:
    """No pictures."""

    linked = False

    async def shown(self, result: Result, page: Path, keep: Keep) -> Shown:
        """Return no picture, and no reason."""
        del result, page, keep
        return NoPicture()


class Linked:
    """Pictures stay in their places, and the page loads them from there."""

    linked = True

    def __init__(self, *folders: Path) -> None:
        self._folders = folders

    async def shown(self, result: Result, page: Path, keep: Keep) -> Shown:
        """Return a link, if the source is whole."""
        del keep
        if _names_none(result):
            return NoPicture()
        try:
            return LinkedPicture(address(result.source, page, self._folders))
        except MissingError as error:
            return NoPicture(str(error))


class Embedded:
    """Pictures become a part of the page, as small as possible; equal pictures once.

    Raises:
        ImportError: The extra `pictures` is missing; the message says how to get it.
    """

    linked = False

    def __init__(self, originals: Originals) -> None:
        from aliocr.pictures import portrait  # noqa: PLC0415 - needs the extra

        detail = portrait.Detail(
            PIXELS, PIXELS_IN_ALL, short_side=SHORT_SIDE_PIXELS, quality=QUALITY, small=True
        )
        self._portraits = partial(portrait.portraits, detail=detail)
        self._originals = originals
        self._decoders = asyncio.Semaphore(DECODED_AT_ONCE)
        self._known: dict[tuple[bytes, int | None, int | None], EmbeddedPicture] = {}

    async def shown(self, result: Result, page: Path, keep: Keep) -> Shown:
        """Return the picture, or the reason for its absence."""
        del page
        if _names_none(result):
            return NoPicture()
        interval = max_frames = None
        if isinstance(result, Read) and len(result.frames) > 1:
            # Frames are shown one by one only if they were read one by one.
            interval, max_frames = result.interval, result.max_frames
        try:
            data = await self._originals.picture(result)
        except MissingError as error:
            return NoPicture(str(error))
        name = hashlib.sha256(data).digest(), interval, max_frames
        async with self._decoders:
            if (known := self._known.get(name)) is not None:
                return known
            try:
                images = await asyncio.to_thread(self._portraits, data, interval, max_frames)
            except PictureError as error:
                return NoPicture(f"it is no picture that can be shown: {error.message}")
            except MemoryError:
                return NoPicture("it is too large to be shown")
        # Nothing is awaited from here on, so that equal pictures are kept once.
        if name not in self._known:
            pages = tuple(
                EmbeddedPage(keep(each.uri), each.width, each.height, each.index)
                for each in images.pages
            )
            self._known[name] = EmbeddedPicture(
                pages, images.total if images.moves else None, images.total
            )
        return self._known[name]


def _names_none(result: Result) -> bool:
    return not result.ok and result.kind == BAD_ROW
