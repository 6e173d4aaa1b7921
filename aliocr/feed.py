"""A source of many images, drawn on no faster than its outcomes are used.

One task a feed, none an image: the feeder pulls images into the queue while there is room, and the
reader hands out what has come back. Memory holds what is queued, under way, or not yet read; a
source of a million costs no more than one of a thousand.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from typing import Self

from aliocr.batching import Batcher, Lane, Waiting
from aliocr.errors import AuthError, OCRError
from aliocr.models import Image, Outcome

__all__ = ["Feed", "Source"]

Source = Iterable[str | Image] | AsyncIterable[str | Image]

BATCHES_QUEUED = 2
"""Full batches a feed keeps waiting: one for the next permit, one to refill from."""

BATCHES_UNREAD = 10
"""Batches of outcomes that may wait for their reader before the feed pulls no more."""


class Feed:
    """The journey of one source. Its owner closes it.

    Args:
        batcher: Where the images go, on the bulk lane.
        source: URLs or images, from an iterable or an asynchronous one.
        images_per_request: The size of a batch, which the bounds above count in.
    """

    def __init__(self, batcher: Batcher, source: Source, images_per_request: int) -> None:
        self._batcher = batcher
        self._source = source
        self._most_queued = BATCHES_QUEUED * images_per_request
        self._most_unread = BATCHES_UNREAD * images_per_request
        self._queued = 0
        self._open: set[Waiting] = set()
        self._unread: deque[tuple[int, Outcome]] = deque()
        self._room = asyncio.Event()
        self._news = asyncio.Event()
        self._error: Exception | None = None
        self._feeder = asyncio.create_task(self._pull(), name="aliocr feeder")

    def taken(self, waiting: Waiting) -> None:  # noqa: ARG002 - the caller protocol
        """One of ours has left the queue."""
        self._queued -= 1
        self._look_for_room()

    def deliver(self, waiting: Waiting, outcome: Outcome) -> None:
        """One of ours is done."""
        self._open.discard(waiting)
        self._unread.append((waiting.number, outcome))
        self._news.set()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> tuple[int, Outcome]:
        """The next outcome to come, with its image's place in the source, from 0.

        Raises:
            AuthError: The account is refused; at once.
            Exception: Whatever the source raised, or the `ValueError` of an image it gave, after
                the outcomes of all images before it.
        """
        while not self._unread:
            if not self._open and self._feeder.done():
                raise self._error or StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        number, outcome = self._unread.popleft()
        self._look_for_room()
        if not outcome.ok and isinstance(outcome.error, AuthError):
            raise outcome.error
        return number, outcome

    async def close(self) -> None:
        """Withdraw what is open, and end the feeder; a reader still there is told."""
        for waiting in self._open:
            self._batcher.withdraw(waiting)
        self._open.clear()
        if not self._feeder.done():
            self._error = OCRError("the session was closed before the source was read to its end")
            self._feeder.cancel()
            await asyncio.wait([self._feeder])
        self._news.set()

    async def _pull(self) -> None:
        try:
            number = 0
            async for value in _each(self._source):
                image = _image(value, number)
                self._open.add(self._batcher.submit(image, self, Lane.BULK, number))
                self._queued += 1
                number += 1
                while not self._has_room():
                    self._room.clear()
                    await self._room.wait()
        except Exception as error:  # noqa: BLE001 - the source's own; its reader gets it
            self._error = error
        finally:
            self._news.set()

    def _has_room(self) -> bool:
        return self._queued < self._most_queued and len(self._unread) < self._most_unread

    def _look_for_room(self) -> None:
        if self._has_room():
            self._room.set()


async def _each(source: Source) -> AsyncIterator[object]:
    if isinstance(source, AsyncIterable):
        async for value in source:
            yield value
    else:
        for value in source:
            yield value


def _image(value: object, number: int) -> Image:
    try:
        return Image.of(value)
    except ValueError as error:
        raise ValueError(f"image {number}: {error}") from None
