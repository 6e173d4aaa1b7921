"""A source of many images, drawn on no faster than its outcomes are used.

One task a feed, none an image: the feeder pulls images into the queue while there is room, and the
reader hands out what has come back. A second one waits to be told to stop, if anybody may. Memory
holds what is queued, under way, or not yet read; a source of a million costs no more than one of a
thousand.
"""

from __future__ import annotations

import asyncio
import inspect
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Iterable
from contextlib import aclosing
from typing import Self

from aliocr.dispatch.batcher import Batcher
from aliocr.dispatch.queue import Lane, Ticket
from aliocr.errors import AuthError, OCRError
from aliocr.models import Image, Outcome

Source = Iterable[str | Image] | AsyncIterable[str | Image]

BATCHES_QUEUED = 2
"""Full batches a feed keeps waiting: one for the next permit, one to refill from."""

BATCHES_UNREAD = 10
"""Batches of outcomes that may wait for their reader before the feed pulls no more."""


BATCHES_OPEN = 100
"""Batches drawn and without outcome: more than can be under way at 10 requests a second with 7 s
for each. Who may send more, or waits longer, meets it."""

YIELD_EVERY = 100
"""Images drawn before the loop is let in: equal ones fill no queue and would never stop."""

_END = object()


class Feed:
    """The journey of one source. Its owner closes it.

    Args:
        batcher: Where the images go, on the bulk lane.
        source: URLs or images, from an iterable or an asynchronous one. A generator is closed with
            the feed.
        images_per_request: The size of a batch, which the bounds above count in.
        stop: Drains the feed once it is set; None if nobody will.
    """

    def __init__(
        self,
        batcher: Batcher,
        source: Source,
        images_per_request: int,
        stop: asyncio.Event | None = None,
    ) -> None:
        self._batcher = batcher
        self._source = source
        self._most_queued = BATCHES_QUEUED * images_per_request
        self._most_unread = BATCHES_UNREAD * images_per_request
        self._most_open = BATCHES_OPEN * images_per_request
        self._queued: set[Ticket] = set()
        self._open: set[Ticket] = set()
        self._unread: deque[tuple[int, Outcome]] = deque()
        self._room = asyncio.Event()
        self._news = asyncio.Event()
        self._error: Exception | None = None
        self._asked = stop
        self._stopped = False
        self._draining = False
        self._drawing = False
        self._feeder = asyncio.create_task(self._feed(), name="aliocr feeder")
        self._watchers = (
            [] if stop is None else [asyncio.create_task(self._watch(stop), name="aliocr stop")]
        )

    def taken(self, ticket: Ticket) -> None:
        """One of ours has left the queue."""
        self._queued.discard(ticket)
        self._look_for_room()

    def returned(self, ticket: Ticket) -> None:
        """One of ours has come back to go again, which it does not once we drain."""
        if self._draining or self._asked_to_stop:
            self._withdraw(ticket)

    def deliver(self, ticket: Ticket, outcome: Outcome) -> None:
        """One of ours is done."""
        self._open.discard(ticket)
        self._queued.discard(ticket)
        self._unread.append((ticket.number, outcome))
        self._look_for_room()
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
        if self._asked_to_stop:  # the task that waits for it may not have had its turn
            self.drain()
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

    def drain(self) -> None:
        """Draw on the source no more, and send nothing more; what is in a request still comes.

        An image that has been in one and is to go again is not in one: it is withdrawn like those
        that never left, and so is any that comes back to go again. Twice is once.
        """
        if self._draining:
            return
        self._draining = True
        self._let_go()
        for ticket in list(self._open):
            if not ticket.journey.travelling:
                self._withdraw(ticket)
        self._news.set()

    def stop(self) -> None:
        """Draw on the source no more; what has been drawn goes on."""
        if not self._feeder.done() and not self._stopped:
            self._error = OCRError("the session was closed before the source was read to its end")
            self._let_go()

    async def close(self) -> None:
        """Withdraw what is open, and end the tasks; a reader still there is told."""
        self.stop()
        for ticket in list(self._open):
            self._withdraw(ticket)
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.wait([self._feeder, *self._watchers])
        self._news.set()

    def leave(self) -> None:
        """Nobody reads any more: what has come and was not read is given up."""
        self._batcher.tally.given_up += sum(
            outcome.ok or outcome.error.maybe_charged for _, outcome in self._unread
        )
        self._unread.clear()

    def _let_go(self) -> None:
        """End the feeder. If it does not draw, it sees by itself that it should not."""
        self._stopped = True
        if self._drawing:  # and not closing the source, which must not be interrupted
            self._feeder.cancel()

    def _withdraw(self, ticket: Ticket) -> None:
        self._open.discard(ticket)
        self._queued.discard(ticket)
        self._batcher.withdraw(ticket)
        self._news.set()

    @property
    def _asked_to_stop(self) -> bool:
        return self._asked is not None and self._asked.is_set()

    async def _watch(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self.drain()

    async def _feed(self) -> None:
        try:
            await self._pull()
        except Exception as error:  # noqa: BLE001 - the source's own; its reader gets it
            self._error = self._error or error
        except BaseException as error:
            if self._draining and isinstance(error, asyncio.CancelledError):
                return
            # Not `stop`: the source itself was cancelled, or means to end more than itself. Its
            # reader must not take what came so far for all there is.
            self._error = self._error or OCRError(f"the source raised {type(error).__name__}")
            if not isinstance(error, asyncio.CancelledError | GeneratorExit):
                raise
        finally:
            self._news.set()

    async def _pull(self) -> None:
        self._drawing = True
        try:
            async with aclosing(_each(self._source)) as values:
                number = 0
                while not self._done_drawing and (value := await anext(values, _END)) is not _END:
                    if self._done_drawing:
                        return
                    self._send(numbered_image(value, number), number)
                    number += 1
                    if number % YIELD_EVERY == 0:
                        await asyncio.sleep(0)
                    while not self._has_room():
                        self._room.clear()
                        await self._room.wait()
        finally:
            self._drawing = False
            await _close(self._source)

    @property
    def _done_drawing(self) -> bool:
        return self._stopped or self._asked_to_stop

    def _send(self, image: Image, number: int) -> None:
        ticket = self._batcher.submit(image, self, Lane.BULK, number=number)
        self._open.add(ticket)
        if not ticket.journey.travelled:
            self._queued.add(ticket)

    def _has_room(self) -> bool:
        return (
            len(self._queued) < self._most_queued
            and len(self._unread) < self._most_unread
            and len(self._open) < self._most_open
        )

    def _look_for_room(self) -> None:
        if not self._room.is_set() and self._has_room():
            self._room.set()


async def _each(source: Source) -> AsyncGenerator[object, None]:
    if isinstance(source, AsyncIterable):
        async for value in source:
            yield value
    else:
        for value in source:
            yield value


async def _close(source: Source) -> None:
    """A generator's `finally` holds a cursor or a file; nobody else would run it now."""
    if inspect.isasyncgen(source):
        await source.aclose()
    elif inspect.isgenerator(source):
        source.close()


def numbered_image(value: object, number: int) -> Image:
    """The image at a place of a list or source, counted from 0.

    Raises:
        ValueError: It is none that the service would take; the message says which and why.
    """
    try:
        return Image.of(value)
    except ValueError as error:
        raise ValueError(f"image {number}: {error}") from None
