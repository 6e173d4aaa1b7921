"""The queue of waiting images, and the batches that leave it.

The rules of this file:

1. An image is in one place at a time: *queued*, *travelling* in a request, *resting* before another
   try, or done. It is done once, with one outcome, or withdrawn by its caller without one.
2. Only the pump takes from the queue, and only with a permit in hand. The batch is whatever waits
   at that moment, so below the limit an image travels at once and alone, and above it those that
   would have waited anyway share a request. No timer waits for a batch to fill.
3. A request that has left is never cancelled by a caller: its other images are not his. It ends by
   itself, or with the batcher.
4. An image that failed joins the queue again, before those that never travelled, and pays for a
   permit like any other. After a request that failed as a whole, and may have run, its images
   travel in smaller company, so that one of them that sinks every request ends up alone.
5. What the account is refused, every image that still waits is refused too.
"""

from __future__ import annotations

import asyncio
import copy
import math
from collections import OrderedDict
from collections.abc import Sequence
from enum import IntEnum
from itertools import islice
from typing import Protocol

import attrs

from aliocr.errors import AuthError, ImageError, OCRError, ThrottledError
from aliocr.limiter import Limiter
from aliocr.models import Failure, Image, Outcome, Scan
from aliocr.retry import RetryPolicy

__all__ = ["Batcher", "Caller", "Carrier", "Lane", "Queue", "Waiting"]


class Lane(IntEnum):
    """Who is served first; each lane is first in, first out."""

    INTERACTIVE = 0
    BULK = 1


class Caller(Protocol):
    """Whoever waits for an image."""

    def taken(self, waiting: Waiting) -> None:
        """The image has left the queue for its first try."""

    def deliver(self, waiting: Waiting, outcome: Outcome) -> None:
        """The one outcome of the image. Must not raise."""


class Carrier(Protocol):
    """What takes a batch to the service and brings back what became of it."""

    async def prepare(self) -> None:
        """Do what may take time, before the permit."""

    async def send(self, images: Sequence[Image]) -> Sequence[Scan | OCRError]:
        """One request; what became of each image, in order, or an `OCRError` raised for all."""


@attrs.define(eq=False)
class Waiting:
    """One image between its caller and its outcome.

    Args:
        image: The image.
        caller: Who gets the outcome.
        lane: Its lane.
        company: The most images its next request may carry, itself included.
        number: The caller's own number for it.
        failures: Tries that failed, throttled ones left out.
        throttled: Tries that were throttled.
        travelled: It has left the queue at least once.
        travelling: It is in a request now.
    """

    image: Image
    caller: Caller
    lane: Lane
    company: int
    number: int = 0
    failures: int = 0
    throttled: int = 0
    travelled: bool = False
    travelling: bool = False


class Queue:
    """Waiting images in their lanes, and the chunker that takes a batch of them."""

    # How far past images that cannot share the batch it looks for others that can, in batches.
    LOOKAHEAD = 4
    # The part of a batch that bulk images keep when interactive ones could fill it: 1 in 10.
    BULK_SHARE = 10

    def __init__(self) -> None:
        # Ordered dicts: the one standard container with cheap ends and removal from the middle.
        self._lanes: dict[Lane, OrderedDict[Waiting, None]] = {lane: OrderedDict() for lane in Lane}

    def __len__(self) -> int:
        return sum(map(len, self._lanes.values()))

    def add(self, waiting: Waiting) -> None:
        """Join at the end, or at the front when coming back from a failed try."""
        lane = self._lanes[waiting.lane]
        lane[waiting] = None
        if waiting.travelled:
            lane.move_to_end(waiting, last=False)

    def discard(self, waiting: Waiting) -> None:
        """Leave the queue, if in it."""
        self._lanes[waiting.lane].pop(waiting, None)

    def clear(self) -> list[Waiting]:
        """Take everybody out."""
        everybody = [waiting for lane in self._lanes.values() for waiting in lane]
        for lane in self._lanes.values():
            lane.clear()
        return everybody

    def take(self, most: int) -> list[Waiting]:
        """The next batch: at most `most` images, interactive ones first, no data id twice.

        Images in reduced company share only with others of the same: they are suspects, and would
        endanger those that are not.
        """
        batch: list[Waiting] = []
        data_ids: set[str | None] = set()
        bulk = min(len(self._lanes[Lane.BULK]), most // self.BULK_SHARE)
        for lane, room in ((Lane.INTERACTIVE, most - bulk), (Lane.BULK, most)):
            chosen: list[Waiting] = []
            for waiting in islice(self._lanes[lane], self.LOOKAHEAD * most):
                company = (batch or chosen or [waiting])[0].company
                if len(batch) + len(chosen) >= min(room, company):
                    break
                data_id = waiting.image.data_id
                if waiting.company == company and (data_id is None or data_id not in data_ids):
                    data_ids.add(data_id)
                    chosen.append(waiting)
            for waiting in chosen:
                del self._lanes[lane][waiting]
            batch += chosen
        return batch


def smaller_company(size: int, tries_left: int) -> int:
    """How many may share a request after one of `size` images failed as a whole.

    As few steps as tries are left lead down to one: 100 → 20 → 4 → 1 with three.
    """
    if tries_left < 1:
        return 1
    root: float = size ** (1 / tries_left)
    parts = math.ceil(round(root, 9))  # the cube root of 1,000 is a hair above 10
    return math.ceil(size / parts)


class Batcher:
    """Carries images to the service and outcomes back; owns every task it takes for that.

    Args:
        carrier: Sends one batch.
        limiter: Gives the permits.
        retry: Says which failed image goes again, and when.
        images_per_request: The largest batch.
    """

    def __init__(
        self, carrier: Carrier, limiter: Limiter, retry: RetryPolicy, images_per_request: int
    ) -> None:
        self._carrier = carrier
        self._limiter = limiter
        self._retry = retry
        self._most = images_per_request
        self._queue = Queue()
        self._resting: dict[asyncio.TimerHandle, list[Waiting]] = {}
        self._open: set[Waiting] = set()
        self._pump_task: asyncio.Task[None] | None = None
        self._requests: set[asyncio.Task[None]] = set()
        self._closed = False

    def submit(self, image: Image, caller: Caller, lane: Lane, number: int = 0) -> Waiting:
        """Put an image in the queue; `caller.deliver` will be called once."""
        if self._closed:
            raise RuntimeError("the session is closed")
        waiting = Waiting(image, caller, lane, self._most, number)
        self._open.add(waiting)
        self._enqueue(waiting)
        return waiting

    def withdraw(self, waiting: Waiting) -> None:
        """Forget an image: nothing will be delivered, and if it has not left, nothing is sent."""
        self._open.discard(waiting)
        self._queue.discard(waiting)

    async def close(self) -> None:
        """End every task and give every image that is still open its outcome: a failure."""
        self._closed = True
        tasks = [task for task in (self._pump_task, *self._requests) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for timer in self._resting:
            timer.cancel()
        for waiting in list(self._open):
            text = "the session was closed before this image was answered"
            self._fail(waiting, OCRError(text, maybe_charged=waiting.travelling))

    # --- the pump ---------------------------------------------------------------------------------

    def _enqueue(self, waiting: Waiting) -> None:
        self._queue.add(waiting)
        if self._pump_task is None or self._pump_task.done():
            self._pump_task = asyncio.create_task(self._pump(), name="aliocr pump")

    async def _pump(self) -> None:
        """A batch a permit, until nobody waits; the next image to arrive starts it again."""
        try:
            while self._queue:
                await self._carrier.prepare()
                await self._limiter.acquire()
                batch = self._queue.take(self._most)
                if batch:  # else all were withdrawn meanwhile, and the permit lapses
                    self._dispatch(batch)
        except OCRError as error:
            self._refuse_waiting(error)
        except Exception as error:  # noqa: BLE001 - somebody's limiter; those who wait must hear
            failed = OCRError(f"the limiter raised {type(error).__name__}: {error}")
            failed.__cause__ = error
            self._refuse_waiting(failed)

    def _dispatch(self, batch: list[Waiting]) -> None:
        for waiting in batch:
            if not waiting.travelled:
                waiting.caller.taken(waiting)
            waiting.travelled = waiting.travelling = True
        task = asyncio.create_task(self._travel(batch), name="aliocr request")
        self._requests.add(task)
        task.add_done_callback(self._requests.discard)

    async def _travel(self, batch: list[Waiting]) -> None:
        answers: Sequence[Scan | OCRError]
        try:
            answers = await self._carrier.send([waiting.image for waiting in batch])
        except OCRError as error:
            if isinstance(error, ImageError) and len(batch) > 1:
                # Refused whole because of one: nothing ran, so this costs nobody a try.
                self._come_back(batch, company=math.ceil(len(batch) / 2))
                return
            if error.transient and error.maybe_charged:
                for waiting in batch:
                    left = self._retry.max_retries - waiting.failures
                    company = smaller_company(len(batch), left)
                    waiting.company = min(waiting.company, company)
            answers = [error] * len(batch)
        except Exception as error:  # noqa: BLE001 - a defect here; no caller may wait for ever
            failed = OCRError(f"{type(error).__name__}: {error}", maybe_charged=True)
            failed.__cause__ = error
            answers = [failed] * len(batch)
        self._settle(batch, answers)

    def _come_back(self, group: Sequence[Waiting], company: int | None = None) -> None:
        for waiting in reversed(group):  # each goes to the front, so the first goes last
            waiting.travelling = False
            waiting.company = company or waiting.company
            if waiting in self._open:
                self._enqueue(waiting)

    # --- outcomes ---------------------------------------------------------------------------------

    def _settle(self, batch: Sequence[Waiting], answers: Sequence[Scan | OCRError]) -> None:
        """Give out outcomes; those that failed alike rest alike, and come back together."""
        rests: dict[tuple[object, ...], float | None] = {}
        groups: dict[float, list[Waiting]] = {}
        for waiting, answer in zip(batch, answers, strict=True):
            if waiting not in self._open:
                continue
            waiting.travelling = False
            if isinstance(answer, Scan):
                self._open.remove(waiting)
                waiting.caller.deliver(waiting, answer)
                continue
            throttled = isinstance(answer, ThrottledError)
            waiting.throttled += throttled
            waiting.failures += not throttled
            kind = (type(answer), str(answer), waiting.failures, waiting.throttled)
            if kind not in rests:
                rests[kind] = self._retry.rest_after(
                    answer, failures=waiting.failures, throttled=waiting.throttled
                )
            rest = rests[kind]
            if rest is not None:
                groups.setdefault(rest, []).append(waiting)
                continue
            self._fail(waiting, answer)
            if isinstance(answer, AuthError):
                self._refuse_waiting(answer)
        for rest, group in groups.items():
            self._lay_down(group, rest)

    def _lay_down(self, group: list[Waiting], seconds: float) -> None:
        def wake() -> None:
            del self._resting[timer]
            self._come_back(group)

        timer = asyncio.get_running_loop().call_later(seconds, wake)
        self._resting[timer] = group

    def _refuse_waiting(self, error: OCRError) -> None:
        """Rule 5."""
        resting = [waiting for group in self._resting.values() for waiting in group]
        for waiting in [*self._queue.clear(), *resting]:
            if waiting in self._open:
                self._fail(waiting, error)

    def _fail(self, waiting: Waiting, error: OCRError) -> None:
        self.withdraw(waiting)
        # An exception of its own for every image: one that many tasks raise grows with each.
        own = copy.copy(error)
        own.__cause__ = error.__cause__
        waiting.caller.deliver(waiting, Failure(waiting.image, own))
