"""A stream of images: its source is read no faster than its outcomes are used (back-pressure).

A stream has one task, the feeder; no image has a task of its own. The feeder moves images from the
source into the queue while there is room, and the reader gets outcomes as they come. If there is a
stop event, a second task waits for this event. The memory holds only images that are queued or
sent, and outcomes that the reader has not taken yet. So a million images need no more memory than a
few thousand.

The tasks start with the first step of the reader. A step that is cancelled loses nothing: the next
step returns the outcome. A stream ends only at its end, with its first error, or by `aclose`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import aclosing
from typing import Self

from aliocr.dispatch.batcher import Batcher
from aliocr.dispatch.pending_image import State, Waiter
from aliocr.dispatch.queue import Lane
from aliocr.dispatch.source import ImageSource, close_source, numbered_image, values_of
from aliocr.errors import AuthError, OCRError
from aliocr.models import Image, Outcome

BATCHES_QUEUED = 2
"""Full batches that a stream keeps in the queue: one for the next permit, one in reserve."""

BATCHES_UNTAKEN = 10
"""While this many batches of outcomes wait for the reader, the source is not read."""

BATCHES_OPEN = 100
"""While this many batches of images have no outcome, the source is not read. At 10 requests per
second and 7 s for each, at most 70 batches are in flight at the same time. With a higher rate or a
longer timeout, this bound may be reached."""

_END = object()


class ImageStream:
    """The images of one source, and their outcomes. The owner of the stream closes it.

    Args:
        batcher: Receives the images, on the bulk lane.
        source: URLs or images, from an (async) iterable. A generator is closed with the stream.
        images_per_request: The size of a batch, for the bounds above.
        stop: An event that drains the stream when it is set; None for no event.
        running: The streams of which a task runs; this stream enters and leaves the set itself.

    Attributes:
        loop: The event loop of the stream.
        sent: Is called with each image right before a request with it leaves; None for nobody.
    """

    def __init__(
        self,
        batcher: Batcher,
        source: ImageSource,
        images_per_request: int,
        stop: asyncio.Event | None = None,
        running: set[ImageStream] | None = None,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.sent: Callable[[Image], object] | None = None
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
        self._stepping = False
        self._closed = False
        self._left = False
        self._running = set() if running is None else running
        self._tasks: list[asyncio.Task[None]] = []  # first the feeder; empty before the first step

    def _start(self) -> None:
        self._tasks = [asyncio.create_task(self._feed(), name="aliocr feeder")]
        if self._asked is not None:
            watch = self._watch(self._asked)
            self._tasks.append(asyncio.create_task(watch, name="aliocr stop"))
        self._running.add(self)
        for task in self._tasks:
            task.add_done_callback(self._task_ended)

    def _task_ended(self, _: asyncio.Task[None]) -> None:
        if all(task.done() for task in self._tasks):
            self._running.discard(self)

    def image_sent(self, waiter: Waiter) -> None:
        """Count one image less in the queue, at its first try."""
        if self.sent is not None:
            self.sent(waiter.image)
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
            RuntimeError: Another task waits for the next outcome, or on another event loop.
            Exception: Any error of the source, or the `ValueError` of an image from the source,
                after the outcomes of all images before it.
        """
        if self._stepping:
            raise RuntimeError("another task already waits for the next outcome of this stream")
        if asyncio.get_running_loop() is not self.loop:
            raise RuntimeError("this stream was made on another event loop")
        self._stepping = True
        try:
            return await self._step()
        finally:
            self._stepping = False

    async def _step(self) -> tuple[int, Outcome]:
        if self._left:
            raise StopAsyncIteration
        if not self._tasks:
            self._start()
        if self._asked_to_stop:  # the task that waits for the event may not have run yet
            self.drain()
        while not self._untaken:
            if self._refused or (not self._open and self._source_ended):
                await self.close()
                self._raise_error()
                raise StopAsyncIteration
            self._change.clear()
            await self._change.wait()
            if self._left:
                raise OCRError("the stream was closed while a task waited for its next outcome")
        number, outcome = self._untaken.popleft()
        self._look_for_room()
        if not outcome.ok and isinstance(outcome.error, AuthError) and not outcome.error.of_image:
            self._error = outcome.error
            del outcome  # it would make a cycle, because the error's traceback holds this frame
            # Scans that have come are returned first, because they have been paid for.
            self._untaken = deque(each for each in self._untaken if each[1].ok)
            self._refused = True
            return await self._step()
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
        if not self._source_ended and not self._stopped:
            closed = OCRError("the session was closed before the source was read to its end")
            self._error = self._error or closed
            self._let_go()

    async def close(self) -> None:
        """Withdraw the open images, and end the tasks; a reader that still waits gets an error."""
        self._shut()
        await asyncio.wait(self._tasks)
        self._change.set()

    async def aclose(self) -> None:
        """End the stream: throw away all outcomes that were not taken, and close the source."""
        if not self._tasks:
            self._left = True
            await close_source(self._source)
            return
        self.abandon()
        await self.close()

    def abandon(self) -> None:
        """Do as `aclose`, but do not wait until the tasks have ended."""
        self._left = True
        self._leave()
        self._shut()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    @property
    def is_over(self) -> bool:
        """True if there is nothing that `abandon` could do."""
        return not self._tasks or (self._closed and not self._untaken)

    def _shut(self) -> None:
        self._closed = True
        self.stop()
        for waiter in list(self._open):
            self._withdraw(waiter)
        for watcher in self._tasks[1:]:
            watcher.cancel()
        self._change.set()

    def _leave(self) -> None:
        """Throw away the outcomes that the reader has not taken."""
        self._batcher.tally.given_up += sum(
            outcome.ok or outcome.error.maybe_charged for _, outcome in self._untaken
        )
        self._untaken.clear()

    def _let_go(self) -> None:
        """End the feeder: cancel it if it reads the source; if it does not, it ends by itself."""
        self._stopped = True
        if self._reading:  # the feeder may be closing the source; this must not be interrupted
            self._tasks[0].cancel()

    def _withdraw(self, waiter: Waiter) -> None:
        self._open.discard(waiter)
        self._queued.discard(waiter)
        self._batcher.withdraw(waiter)
        self._change.set()

    @property
    def _source_ended(self) -> bool:
        return self._tasks[0].done()

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
            async with aclosing(values_of(self._source)) as values:
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
                    while not self._has_room():
                        self._room.clear()
                        await self._room.wait()
        finally:
            self._reading = False
            await close_source(self._source)

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
