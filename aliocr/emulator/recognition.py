"""Images really downloaded and really read: needs the `emulator` extra, and whatever imports this.

A module of its own, imported when an engine is asked for, so that the scripted emulator needs
nothing but what the client needs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aliocr.emulator.codes import image_error
from aliocr.emulator.content import Content
from aliocr.emulator.download import Downloader
from aliocr.emulator.engine import Engine
from aliocr.emulator.picture import PictureError
from aliocr.emulator.reader import PictureReader
from aliocr.models import Image

__all__ = ["Recognition"]


class Recognition:
    """Fetches images and reads them.

    Args:
        engine_factory: Makes one engine for each worker thread.
        downloader: Fetches the images; open, and closed by whoever opened it.
    """

    def __init__(self, engine_factory: Callable[[], Engine], downloader: Downloader) -> None:
        self._downloader = downloader
        self._reader = PictureReader(engine_factory)

    async def start(self) -> None:
        """Be ready for the first picture.

        Raises:
            ImportError: The extra is not installed; the message names the command that does it.
        """
        await self._reader.start()

    async def aclose(self) -> None:
        """Wait for the pictures whose reading has begun, and end the threads."""
        await self._reader.aclose()

    async def read(self, image: Image, place: asyncio.Semaphore) -> Content:
        """What the image says.

        Args:
            image: Which, and which of its frames.
            place: Held while the picture is at the reader, so that its request takes no more places
                there than it has. Downloads too are shared evenly among requests, told apart by it.

        Raises:
            APIError: Not fetched, or not a picture that can be read.
        """
        async with self._downloader.fetch(image.url, owner=place) as data, place:
            try:
                return await self._reader.read(
                    data, interval=image.interval, max_frames=image.max_frames
                )
            except PictureError as error:
                raise image_error(error.code, error.message) from None
