"""The source of images: any iterable or asynchronous iterable, read without blocking the loop."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, AsyncIterable, Iterable

from aliocr.models import Image

ImageSource = Iterable[str | Image] | AsyncIterable[str | Image]

SLICE = 0.005
"""Time for which a source is read before the event loop may do other work, in seconds. If one value
takes longer, the loop does other work after each value."""


def check_source(images: object) -> None:
    """Refuse what is not many images.

    Raises:
        ValueError: One image, or no iterable.
    """
    if isinstance(images, str | bytes | Image):
        raise ValueError(  # noqa: TRY004
            f"images must be a list or other iterable, not one {type(images).__name__}; "
            "use scan() for one image"
        )
    if not isinstance(images, Iterable | AsyncIterable):
        raise ValueError(f"images must be a list or other iterable, not {images!r}")  # noqa: TRY004


async def values_of(source: ImageSource) -> AsyncGenerator[object, None]:
    """Yield the values of a source; in between, let the event loop do other work.

    The values of a list are there already. A pause between them would send the images of one call
    in two requests on a busy machine.
    """
    loop = asyncio.get_running_loop()
    due = loop.time() + SLICE
    at_hand = isinstance(source, list | tuple)
    async for value in source if isinstance(source, AsyncIterable) else _in_turn(source):
        yield value
        if loop.time() >= due and not at_hand:
            await asyncio.sleep(0)
            due = loop.time() + SLICE


async def _in_turn(source: Iterable[object]) -> AsyncGenerator[object, None]:
    for value in source:
        yield value


async def close_source(source: ImageSource) -> None:
    """Close a generator, because its `finally` may hold a cursor or a file."""
    if inspect.isasyncgen(source):
        await source.aclose()
    elif inspect.isgenerator(source):
        source.close()


def numbered_image(value: object, number: int) -> Image:
    """Return the image at a place of a list or source, counted from 0.

    Raises:
        ValueError: The service would not accept the image; the message says which image and why.
    """
    try:
        return Image.of(value)
    except ValueError as error:
        raise ValueError(f"image {number}: {error}") from None
