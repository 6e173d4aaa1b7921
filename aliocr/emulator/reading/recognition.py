"""Images really downloaded and really read: needs the `emulator` extra, and whatever imports this.

A module of its own, imported when an engine is asked for, so that the scripted emulator needs
nothing but what the client needs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from aliocr.emulator.codes import image_error
from aliocr.emulator.content import Content
from aliocr.emulator.engine import Engine
from aliocr.emulator.reading.download import Downloader
from aliocr.emulator.reading.reader import PictureReader
from aliocr.errors import api_error
from aliocr.models import Image
from aliocr.pictures.bounds import PictureError
from aliocr.pictures.picture import count_frames
from aliocr.pictures.portrait import Portraits, pages


class Recognition:
    """Fetches images and reads them. `async with` it: its threads and connections live as long.

    Args:
        engine_factory: Makes one engine for each worker thread.
        downloader: Fetches the images; not yet open.
    """

    def __init__(self, engine_factory: Callable[[], Engine], downloader: Downloader) -> None:
        self._downloader = downloader
        self._reader = PictureReader(engine_factory)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Be ready for the first picture.

        Raises:
            ImportError: The extra is not installed; the message names the command that does it.
        """
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._downloader)
            stack.push_async_callback(self._reader.aclose)
            await self._reader.start()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Wait for the pictures whose reading has begun, and end the threads."""
        await self._stack.aclose()

    async def read(self, image: Image, places: asyncio.Semaphore) -> Content:
        """What the image says.

        Args:
            image: Which, and which of its frames.
            places: Of its request: one is held while the picture is at the reader. Downloads too
                are shared evenly among requests, told apart by it.

        Raises:
            APIError: Not fetched, or not a picture that can be read.
        """
        async with self._downloader.fetch(image.url, owner=places) as data, places:
            try:
                return await self._reader.read(
                    data, interval=image.interval, max_frames=image.max_frames
                )
            except PictureError as error:
                raise image_error(error.code, error.message) from None

    async def view(
        self, data: bytes, *, interval: int | None, max_frames: int | None
    ) -> tuple[Content, Portraits]:
        """What a picture says that nobody need fetch, and how it looks.

        Args:
            data: The file's bytes.
            interval: As of `Image`.
            max_frames: The same.

        Raises:
            APIError: Not a picture that can be read.
        """
        try:
            content = await self._reader.read(data, interval=interval, max_frames=max_frames)
            count = await self._reader.lend(count_frames, data)
            shown = await self._reader.lend_each(pages(data, interval, max_frames, count))
            return content, Portraits(tuple(shown), count.total, count.moves)
        except PictureError as error:
            raise api_error(error.code, error.message) from None
