"""The journeys of images: from the queue into batches, and from answers to outcomes.

The rules of this file:

1. An image is in one place at a time: *queued*, *travelling* in a request, *resting* before another
   try, or done. It is done once, with one outcome, or forgotten when nobody wants it any more.
2. Only the pump takes from the queue, and only in a turn of the account's. The batch is whatever
   waits at that moment, so below the limit an image travels at once and alone, and above it those
   that would have waited anyway share a request. No timer waits for a batch to fill.
3. Cancellation of a caller takes his ticket back. An image without tickets leaves the queue, and
   costs nothing; a request that has left goes on, for its other images are not his. It ends by
   itself, or with the batcher. A caller is told when his image is to go again, so that he may wait
   for what is under way and take back all else.
4. An image that failed joins the queue again, before those that never travelled, and pays for a
   permit like any other. After a request that failed as a whole, and may have run, its images
   travel in smaller company, so that one of them that sinks every request ends up alone.
5. Being throttled is the account's business and spends no tries: such images come back at once, and
   wait with the others for the account's next turn.
6. What the account is refused, every image that still waits is refused too.
7. An image equal to one that is not done joins its journey, unless a caller named either.
8. A reply is given out a part in a turn of the loop, one reply after the other, and no batch leaves
   while more than one waits for that. Closing gives out first what has come.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Coroutine, Iterator, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

from aliocr.dispatch.limiter import Limiter
from aliocr.dispatch.pending import Journeys
from aliocr.dispatch.queue import Caller, Journey, Lane, Queue, Ticket, smaller_company
from aliocr.dispatch.retry import Budget, RetryPolicy
from aliocr.dispatch.settling import Returns, defect
from aliocr.dispatch.throttle import Account, Trip, Turn
from aliocr.errors import (
    ImageError,
    OCRError,
    OverloadError,
    ScanTimeoutError,
)
from aliocr.models import Image
from aliocr.protocol.replies import Part
from aliocr.stats import Tally

T = TypeVar("T")


class Carrier(Protocol):
    """What takes a batch to the service and brings back what became of it."""

    async def prepare(self) -> None:
        """Do what may take time, before the permit."""

    async def send(self, images: Sequence[Image]) -> Iterator[Part]:
        """One request; what became of each image, part by part, or an `OCRError` for all."""


ANSWERS_REMEMBERED = 10.0
"""Seconds for which the time of an answer says how long the next will take."""


class Batcher:
    """Carries images to the service and outcomes back; owns every task it takes for that.

    Args:
        carrier: Sends one batch.
        account: Gives the turns.
        limiter: Gives the permits instead of the account's own; None for that.
        retry: Says which failed image goes again, and when.
        budget: What may be sent again though it may have been charged.
        images_per_request: The largest batch.
        throttle_timeout: Seconds for which images wait for an account that nothing gets through.
        max_waiting: Images that may wait before a caller is turned away.
    """

    def __init__(
        self,
        carrier: Carrier,
        account: Account,
        *,
        limiter: Limiter | None = None,
        retry: RetryPolicy,
        budget: Budget,
        images_per_request: int,
        throttle_timeout: float = math.inf,
        max_waiting: float = math.inf,
    ) -> None:
        self._carrier = carrier
        self._account = account
        self._limiter = limiter
        self._retry = retry
        self._most = images_per_request
        self._max_waiting = max_waiting
        self.tally = Tally(images_per_request)
        self._queue = Queue()
        self._journeys = Journeys(self._queue, self.tally, images_per_request)
        self._returns = Returns(
            self._journeys,
            self._queue,
            account,
            self.tally,
            retry=retry,
            budget=budget,
            throttle_timeout=throttle_timeout,
            ready=self._start_pump,
        )
        self._answer_times: deque[tuple[float, float]] = deque(maxlen=16)
        self._wrecked_at = -math.inf
        self._pump_task: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closed = False

    # --- callers ----------------------------------------------------------------------------------

    def check_room(self) -> None:
        """Turn a caller away if too many wait already.

        Raises:
            OverloadError: They do.
        """
        if len(self._queue) >= self._max_waiting:
            raise OverloadError(
                f"{len(self._queue)} images wait already, and max_waiting is {self._max_waiting}; "
                "nothing was sent, try again later",
                transient=True,
            )

    def submit(
        self,
        image: Image,
        caller: Caller,
        lane: Lane,
        *,
        number: int = 0,
        deadline: float = math.inf,
    ) -> Ticket:
        """Put an image in the queue; `caller.deliver` is called once, and not before this ends.

        Args:
            image: The image.
            caller: Who gets its outcome.
            lane: Its lane.
            number: The caller's own number for it.
            deadline: When the caller leaves, in seconds of the loop's clock.
        """
        if self._closed:
            raise RuntimeError("the session is closed")
        now = asyncio.get_running_loop().time()
        ticket = self._journeys.begin(
            image, caller, lane, number=number, deadline=deadline, now=now
        )
        self._start_pump()
        return ticket

    def withdraw(self, ticket: Ticket) -> None:
        """Nothing more is delivered for this ticket; rule 3."""
        self._journeys.leave(ticket)
        if not self._queue:
            self._stop_pump()

    async def close(self) -> None:
        """Give every image that is still open its outcome, a failure, and end every task."""
        self._closed = True
        self._returns.close()
        self._stop_pump()
        for task in self._tasks:
            task.cancel()
        closed = OCRError("the session was closed before this image was answered")
        for journey in self._journeys:
            self._journeys.fail(journey, closed)
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- the pump ---------------------------------------------------------------------------------

    def _start_pump(self) -> None:
        if (self._pump_task is None or self._pump_task.done()) and self._can_send():
            self._pump_task = self._start(self._pump(), "aliocr pump", self._pump_ended)

    def _can_send(self) -> bool:
        # Who cannot keep up with what comes back must not pile it up.
        return bool(self._queue) and not self._returns.behind

    def _start(
        self,
        work: Coroutine[None, None, T],
        name: str,
        ended: Callable[[asyncio.Task[T]], None],
    ) -> asyncio.Task[T]:
        """A task of ours. A callback follows its end, even if it was cancelled before it began."""
        # Not by `create_task`: a loop's eager task factory would run it at once, and an outcome
        # would be there before its caller has the ticket.
        task = asyncio.Task(work, loop=asyncio.get_running_loop(), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(ended)
        return task

    def _stop_pump(self) -> None:
        if self._pump_task is not None:
            self._pump_task.cancel()
            self._pump_task = None

    async def _pump(self) -> None:
        """A batch a turn, until nobody waits; the next image to arrive starts it again."""
        while self._can_send():
            began = asyncio.get_running_loop().time()
            await self._carrier.prepare()
            turn = await self._turn(began)
            batch = self._take(turn)
            if not batch:  # all were withdrawn meanwhile
                turn.lapse()
                continue
            for journey in batch:
                self._journeys.depart(journey)
            self.tally.requests += 1
            sending = self._carrier.send([journey.image for journey in batch])
            trip = turn.use(len(batch))
            _ = self._start(sending, "aliocr request", partial(self._returned, batch, trip))

    def _pump_ended(self, task: asyncio.Task[None]) -> None:
        failed = _failure(task)
        if task is self._pump_task:  # else it was stopped by its owner
            self._pump_task = None
            if failed is not None:
                self._returns.refuse_waiting(failed)
            self._start_pump()

    async def _turn(self, since: float) -> Turn:
        began = asyncio.get_running_loop().time()
        try:
            return await self._account.turn(self._limiter, since=since)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            raise OCRError("the limiter was cancelled") from None
        except OCRError:
            raise
        except Exception as error:
            raise OCRError(f"the limiter raised {type(error).__name__}: {error}") from error
        finally:
            self.tally.waited += asyncio.get_running_loop().time() - began

    def _take(self, turn: Turn) -> list[Journey]:
        """The batch of this turn, without those that nobody would wait for to the end."""
        while batch := self._queue.take(int(min(self._most, turn.room))):
            horizon = turn.began + self._quickest(turn.began)
            late = {journey for journey in batch if journey.deadline < horizon}
            for journey in late:
                too_late = "no time is left for an answer, so it was not sent"
                self._journeys.fail(journey, ScanTimeoutError(too_late, transient=True))
            if len(late) < len(batch):
                return [journey for journey in batch if journey not in late]
        return []

    def _quickest(self, now: float) -> float:
        """Seconds of the quickest answer of late; 0 if there was none, so that one is sought."""
        while self._answer_times and self._answer_times[0][0] < now - ANSWERS_REMEMBERED:
            self._answer_times.popleft()
        return min((took for _, took in self._answer_times), default=0.0)

    def _returned(
        self, batch: list[Journey], trip: Trip, task: asyncio.Task[Iterator[Part]]
    ) -> None:
        """A request has ended: rule 4 if it failed as a whole."""
        failed = _failure(task)
        now = asyncio.get_running_loop().time()
        if failed is None:
            self._answer_times.append((now, now - trip.sent.at))
            self._returns.receive(batch, task.result(), trip)
            if self._closed:
                self._returns.close()
            return
        self._account.arrive(trip, failed)
        for journey in batch:
            self._journeys.arrive(journey)
        if self._closed:
            return
        if isinstance(failed, ImageError) and not failed.maybe_charged and len(batch) > 1:
            # Refused whole because of one: nothing ran, so this costs nobody a try.
            for journey in batch:
                journey.company = math.ceil(len(batch) / 2)
            self._returns.come_back(batch)
        else:
            if failed.transient and failed.maybe_charged and not self._is_outage(trip, now):
                for journey in batch:
                    left = self._retry.max_retries - journey.failures
                    journey.company = min(journey.company, smaller_company(len(batch), left))
            self._returns.settle(batch, [failed] * len(batch))

    def _is_outage(self, trip: Trip, now: float) -> bool:
        """Since this request left, others failed as well and none was answered: all are alike."""
        others_failed = self._wrecked_at >= trip.sent.at
        answered = bool(self._answer_times) and self._answer_times[-1][0] >= trip.sent.at
        self._wrecked_at = now
        return others_failed and not answered


def _failure(task: asyncio.Task[T]) -> OCRError | None:
    """What a task of ours failed with, if it did."""
    if task.cancelled():
        return OCRError(f"{task.get_name()}: cancelled from outside", maybe_charged=True)
    error = task.exception()
    if error is None or isinstance(error, OCRError):
        return error
    return defect(error)
