"""The outcomes of a stream, as its caller holds them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Self

from aliocr.dispatch.stream import ImageStream
from aliocr.models import Image, Outcome


class OutcomeStream(AsyncIterator[Outcome]):
    """The outcomes of a stream, as they complete: an asynchronous iterator.

    Nothing is read or sent before the first step. A step that is cancelled loses nothing, so
    `asyncio.wait_for(anext(stream), 5)` may be repeated. Only one task may take a step at a time.

    The stream ends with its last outcome or first error, with `aclose`, or with the block of
    `async with`. If the caller just leaves a loop, it ends when no variable holds it any more.
    """

    def __init__(self, images: ImageStream) -> None:
        self._images = images

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Outcome:
        try:
            _, outcome = await anext(self._images)
        finally:
            # The traceback of an error holds this frame. If this frame held the stream, too, the
            # stream of a loop that was left with an error would not end.
            del self
        return outcome

    def tell_sent(self, sent: Callable[[Image], object]) -> None:
        """Call `sent` with each image right before a request with it leaves, in every try.

        Args:
            sent: Must be quick, and must not raise.
        """
        self._images.sent = sent

    async def aclose(self) -> None:
        """End the stream: withdraw the images that wait, and close the source.

        Images that were sent are charged; their outcomes are thrown away. A second call does
        nothing.
        """
        await self._images.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __del__(self) -> None:
        # The garbage collector calls this in any thread, and in the middle of other work.
        if not self._images.is_over:
            with suppress(RuntimeError):  # the event loop is closed
                self._images.loop.call_soon_threadsafe(self._images.abandon)
