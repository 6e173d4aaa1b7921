"""Downloads and reads real images. This module needs the `emulator` extra.

Only an emulator with an engine imports this module. An emulator that has only scripted answers does
not need the extra.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from contextlib import AsyncExitStack
from typing import Self

from aliocr.emulator.codes import image_error
from aliocr.emulator.content import FRAME_FIELDS, Content
from aliocr.emulator.engine import Engine
from aliocr.emulator.reading.download import Downloader
from aliocr.emulator.reading.frame_files import FrameFiles
from aliocr.emulator.reading.reader import PictureReader
from aliocr.emulator.storage.objects import StoredObject
from aliocr.errors import api_error
from aliocr.models import Image
from aliocr.pictures.picture import count_frames
from aliocr.pictures.portrait import Portraits, pages
from aliocr.pictures.size_limits import PictureError


class Recognition:
    """A downloader and a reader of images, which are open inside the `async with` block.

    `frame_fields` and `whole_pictures` are as in `Emulator`.
    """

    def __init__(
        self,
        engine_factory: Callable[[], Engine],
        downloader: Downloader,
        frame_fields: Collection[str] = FRAME_FIELDS,
        *,
        whole_pictures: bool = False,
    ) -> None:
        self._downloader = downloader
        self._frame_files = FrameFiles(frame_fields)
        self._reader = PictureReader(engine_factory, whole_pictures=whole_pictures)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Open the connections and make the first engine.

        Raises:
            ImportError: The extra is not installed. The message has the command to install it.
        """
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._downloader)
            stack.push_async_callback(self._reader.aclose)
            await self._reader.start()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Wait for the work that has begun, and end the threads."""
        await self._stack.aclose()

    async def read(
        self,
        image: Image,
        places: asyncio.Semaphore,
        frames_at: str,
        stored: StoredObject | None = None,
    ) -> Content:
        """Download and read an image; if it is `stored`, read it from the object storage.

        All images of a request have the same `places`. An image holds one place while the reader
        has its picture. `places` is also the owner of the download, so that connections and memory
        are shared evenly among requests. The addresses of frames begin with
        `frames_at`.

        Raises:
            APIError: The image cannot be downloaded or read.
        """
        getting = (
            self._downloader.fetch(image.url, owner=places)
            if stored is None
            else self._downloader.hold(stored, owner=places)
        )
        async with getting as data, places:
            try:
                content = await self._reader.read(
                    data, interval=image.interval, max_frames=image.max_frames
                )
            except PictureError as error:
                raise image_error(error.code, error.message) from None
            return self._frame_files.with_frame_fields(content, data, image, frames_at)

    async def frame(self, name: str, number: int) -> bytes | None:
        """Return the frame at an address as a PNG; None if there is no frame at this address."""
        making = self._frame_files.making(name, number)
        made = [] if making is None else await self._reader.lend_each(making)
        return made[-1] or None if made else None

    async def view(
        self, data: bytes, *, interval: int | None, max_frames: int | None
    ) -> tuple[Content, Portraits]:
        """Read a picture from its bytes; return its content, and portraits of the picture to show.

        Raises:
            APIError: The picture cannot be read.
        """
        try:
            content = await self._reader.read(data, interval=interval, max_frames=max_frames)
            count = await self._reader.lend(count_frames, data)
            shown = await self._reader.lend_each(pages(data, interval, max_frames, count))
            return content, Portraits(tuple(shown), count.total, count.moves)
        except PictureError as error:
            raise api_error(error.code, error.message) from None
