"""Decide what the page shows for a picture: the picture itself, a link to it, or nothing."""

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
"""Length of the shorter side of a stored picture, in pixels. The page shows the picture at half of
this size, so that it is sharp on high-density screens."""

PIXELS, PIXELS_IN_ALL = 4_000_000, 8_000_000
"""The first is the maximum number of pixels of one stored picture; only long images reach it. The
second is the maximum number of pixels of all stored frames of a GIF together."""

QUALITY = 75
"""Quality of the WEBP file. With this quality, the file has half the size of a JPEG that looks the
same."""

DECODED_AT_ONCE = min(4, os.cpu_count() or 1)
"""Maximum number of pictures that are decoded at the same time. Each picture may need about 200 MB
of memory."""

Keep = Callable[[str], int]
"""A function that stores a `data:` URI in the page and returns the number of the picture there."""


class Gallery(Protocol):
    """Decides what the page shows for a picture. Several calls may run at the same time."""

    @property
    def linked(self) -> bool:
        """True if the page loads pictures from the pictures' addresses."""

    async def shown(self, result: Result, page: Path, keep: Keep) -> Shown:
        """Return the picture, a link, or the reason why the page shows no picture."""


class LeftOut:
    """The page shows no pictures."""

    linked = False

    async def shown(self, result: Result, page: Path, keep: Keep) -> Shown:
        """Return `NoPicture` without a reason."""
        del result, page, keep
        return NoPicture()


class Linked:
    """The page loads pictures from their files and URLs; the report does not contain pictures."""

    linked = True

    def __init__(self, *folders: Path) -> None:
        self._folders = folders

    async def shown(self, result: Result, page: Path, keep: Keep) -> Shown:
        """Return a link; if there is no address to link to, return the reason."""
        del keep
        if _names_none(result):
            return NoPicture()
        try:
            return LinkedPicture(address(result.source, page, self._folders))
        except MissingError as error:
            return NoPicture(str(error))


class Embedded:
    """The page contains smaller copies of the pictures. Equal pictures are stored only once.

    Raises:
        ImportError: The extra `pictures` is missing; the message says how to install the extra.
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
        """Return the picture, or the reason why there is no picture."""
        del page
        if _names_none(result):
            return NoPicture()
        interval = max_frames = None
        if isinstance(result, Read) and len(result.frames) > 1:
            # Show separate frames only if the service read separate frames.
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
                return NoPicture(f"it is not a picture that can be shown: {error.message}")
            except MemoryError:
                return NoPicture("it is too large to be shown")
        # There must be no `await` below: during it, another call could store the same picture.
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
