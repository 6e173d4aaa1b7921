"""A stream of images: its source is read no faster than its outcomes are used (back-pressure).

A stream has one task, the feeder; no image has a task of its own. The feeder moves images from the
source into the queue while there is room, and the reader gets outcomes as they come. If there is a
stop event, a second task waits for this event. The memory holds only images that are queued or
sent, and outcomes that the reader has not taken yet. So a million images need no more memory than a
few thousand.
"""

from __future__ import annotations

import asyncio
import inspect
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Iterable
from contextlib import aclosing
from typing import Self

from aliocr.dispatch.batcher import Batcher
from aliocr.dispatch.pending_image import State, Waiter
from aliocr.dispatch.queue import Lane
from aliocr.errors import AuthError, OCRError
from aliocr.models import Image, Outcome

ImageSource = Iterable[str | Image] | AsyncIterable[str | Image]

BATCHES_QUEUED = 2
"""Full batches that a stream keeps in the queue: one for the next permit, one in reserve."""

BATCHES_UNTAKEN = 10
"""While this many batches of outcomes wait for the reader, the source is not read."""

BATCHES_OPEN = 100
"""While this many batches of images have no outcome, the source is not read. At 10 requests per
second and 7 s for each, at most 70 batches are in flight at the same time. With a higher rate or a
longer timeout, this bound may be reached."""

YIELD_EVERY = 100
"""Number of images after which the feeder lets other tasks run. An image that is equal to a sent
one does not count as queued, so many such images can be taken without a wait."""

_END = object()


class ImageStream:
    """The images of one source, and their outcomes. The owner of the stream closes it.

    Args:
        batcher: Receives the images, on the bulk lane.
        source: URLs or images, from an (async) iterable. A generator is closed with the stream.
        images_per_request: The size of a batch, for the bounds above.
        stop: An event that drains the stream when it is set; None for no event.
    """

    def __init__(
        self,
        batcher: Batcher,
        source: ImageSource,
        images_per_request: int,
        stop: asyncio.Event | None = None,
    ) -> None:
        self._batcher = batcher
        self._source = source
        self._most_queued = BATCHES_QUEUED * images_per_request
        self._most_untaken = BATCHES_UNTAKEN * images_per_request
        self._most_open = BATCHES_OPEN * images_per_request
        self._queued: set[Waiter] = set()
        self._open: set[Waiter] = set()
        self._untaken: deque[tuple[int, Outcome]] = deque()
        self._room = asyncio.Event()
        self._change = asyncio.Event()
        self._error: Exception | None = None
        self._asked = stop
        self._stopped = False
        self._refused = False
        self._draining = False
        self._reading = False
        self._feeder = asyncio.create_task(self._feed(), name="aliocr feeder")
        self._watchers = (
            [] if stop is None else [asyncio.create_task(self._watch(stop), name="aliocr stop")]
        )

    def image_sent(self, waiter: Waiter) -> None:
        """Count one image less in the queue."""
        self._queued.discard(waiter)
        self._look_for_room()

    def image_returned(self, waiter: Waiter) -> None:
        """Refuse another try if the stream drains."""
        if self._draining or self._asked_to_stop:
            self._withdraw(waiter)

    def deliver(self, waiter: Waiter, outcome: Outcome) -> None:
        """Keep an outcome for the reader."""
        self._open.discard(waiter)
        self._queued.discard(waiter)
        self._untaken.append((waiter.number, outcome))
        self._look_for_room()
        self._change.set()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> tuple[int, Outcome]:
        """Return the next outcome, with the place of its image in the source, counted from 0.

        Raises:
            AuthError: The account is refused; raised immediately.
            Exception: Any error of the source, or the `ValueError` of an image from the source,
                after the outcomes of all images before it.
        """
        if self._asked_to_stop:  # the task that waits for the event may not have run yet
            self.drain()
        while not self._untaken:
            if self._refused or (not self._open and self._feeder.done()):
                self._raise_error()
                raise StopAsyncIteration
            self._change.clear()
            await self._change.wait()
        number, outcome = self._untaken.popleft()
        self._look_for_room()
        if not outcome.ok and isinstance(outcome.error, AuthError) and not outcome.error.of_image:
            self._error = outcome.error
            del outcome  # it would make a cycle, because the error's traceback holds this frame
            # Scans that have come are returned first, because they have been paid for.
            self._untaken = deque(each for each in self._untaken if each[1].ok)
            self._refused = True
            return await anext(self)
        return number, outcome

    def _raise_error(self) -> None:
        """Raise the error of the source or the account, once, and keep no reference to it."""
        error, self._error = self._error, None
        try:
            if error is not None:
                raise error
        finally:
            del error

    def drain(self) -> None:
        """Stop reading the source and sending images; outcomes of sent images still come.

        Images that were never sent, and images that wait for another try, are withdrawn. If an
        image that is in a request needs another try later, it is withdrawn then. A second call
        changes nothing.
        """
        if self._draining:
            return
        self._draining = True
        self._let_go()
        for waiter in list(self._open):
            if waiter.pending.state is not State.SENT:
                self._withdraw(waiter)
        self._change.set()

    def stop(self) -> None:
        """Stop reading the source; images that were taken from the source are still sent."""
        if not self._feeder.done() and not self._stopped:
            self._error = OCRError("the session was closed before the source was read to its end")
            self._let_go()

    async def close(self) -> None:
        """Withdraw the open images, and end the tasks; a reader that still waits gets an error."""
        self.stop()
        for waiter in list(self._open):
            self._withdraw(waiter)
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.wait([self._feeder, *self._watchers])
        self._change.set()

    def leave(self) -> None:
        """Throw away the outcomes that the reader has not taken."""
        self._batcher.tally.given_up += sum(
            outcome.ok or outcome.error.maybe_charged for _, outcome in self._untaken
        )
        self._untaken.clear()

    def _let_go(self) -> None:
        """End the feeder: cancel it if it reads the source; if it does not, it ends by itself."""
        self._stopped = True
        if self._reading:  # the feeder may be closing the source; this must not be interrupted
            self._feeder.cancel()

    def _withdraw(self, waiter: Waiter) -> None:
        self._open.discard(waiter)
        self._queued.discard(waiter)
        self._batcher.withdraw(waiter)
        self._change.set()

    @property
    def _asked_to_stop(self) -> bool:
        return self._asked is not None and self._asked.is_set()

    async def _watch(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self.drain()

    async def _feed(self) -> None:
        try:
            await self._pull()
        except Exception as error:  # noqa: BLE001 - from the source; the reader gets it
            self._error = self._error or error
        except BaseException as error:
            if self._draining and isinstance(error, asyncio.CancelledError):
                return
            # Not `stop`: the source itself was cancelled, or it ends the program. The reader must
            # not take the outcomes that came so far for all outcomes.
            self._error = self._error or OCRError(f"the source raised {type(error).__name__}")
            if not isinstance(error, asyncio.CancelledError | GeneratorExit):
                raise
        finally:
            self._change.set()

    async def _pull(self) -> None:
        self._reading = True
        try:
            async with aclosing(_each(self._source)) as values:
                number = 0
                while not self._done_reading and (value := await anext(values, _END)) is not _END:
                    if self._done_reading:
                        return
                    image = numbered_image(value, number)
                    waiter = self._batcher.submit(
                        image, self, Lane.BULK, follower=self, number=number
                    )
                    self._open.add(waiter)
                    if not waiter.pending.sent_before:
                        self._queued.add(waiter)
                    number += 1
                    if number % YIELD_EVERY == 0:
                        await asyncio.sleep(0)
                    while not self._has_room():
                        self._room.clear()
                        await self._room.wait()
        finally:
            self._reading = False
            await _close(self._source)

    @property
    def _done_reading(self) -> bool:
        return self._stopped or self._asked_to_stop

    def _has_room(self) -> bool:
        return (
            len(self._queued) < self._most_queued
            and len(self._untaken) < self._most_untaken
            and len(self._open) < self._most_open
        )

    def _look_for_room(self) -> None:
        if not self._room.is_set() and self._has_room():
            self._room.set()


async def _each(source: ImageSource) -> AsyncGenerator[object, None]:
    if isinstance(source, AsyncIterable):
        async for value in source:
            yield value
    else:
        for value in source:
            yield value


async def _close(source: ImageSource) -> None:
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
