"""The journeys of images: from the queue into batches, and from answers to outcomes.

The rules of this file:

1. An image is in one place at a time: *queued*, *travelling* in a request, *resting* before another
   try, or done. It is done once, with one outcome, or forgotten when nobody wants it any more.
2. Only the pump takes from the queue, and only in a turn of the account's. The batch is whatever
   waits at that moment, so below the limit an image travels at once and alone, and above it those
   that would have waited anyway share a request. No timer waits for a batch to fill.
3. Cancellation of a caller takes his ticket back. An image without tickets leaves the queue, and
   costs nothing; a request that has left goes on, for its other images are not his. It ends by
   itself, or with the batcher.
4. An image that failed joins the queue again, before those that never travelled, and pays for a
   permit like any other. After a request that failed as a whole, and may have run, its images
   travel in smaller company, so that one of them that sinks every request ends up alone.
5. Being throttled is the account's business and spends no tries: such images come back at once, and
   wait with the others for the account's next turn.
6. What the account is refused, every image that still waits is refused too.
7. An image equal to one that is not done joins its journey, unless a caller named either.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Coroutine, Sequence
from typing import Protocol

from aliocr.account import Account, Trip, Turn
from aliocr.errors import (
    AuthError,
    ImageError,
    OCRError,
    OverloadError,
    ScanTimeoutError,
    ThrottledError,
)
from aliocr.journeys import Answer, Journeys
from aliocr.limiter import Limiter
from aliocr.models import Image, Scan
from aliocr.queue import Caller, Journey, Lane, Queue, Ticket, smaller_company
from aliocr.retry import Budget, RetryPolicy
from aliocr.stats import Tally

__all__ = ["Batcher", "Carrier"]


class Carrier(Protocol):
    """What takes a batch to the service and brings back what became of it."""

    async def prepare(self) -> None:
        """Do what may take time, before the permit."""

    async def send(self, images: Sequence[Image]) -> Sequence[Scan | OCRError]:
        """One request; what became of each image, in order, or an `OCRError` raised for all."""


MANY_REFUSALS = 20
"""Refused so often, an image has been throttled for itself, though others of the account pass."""


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
        self._budget = budget
        self._most = images_per_request
        self._throttle_timeout = throttle_timeout
        self._max_waiting = max_waiting
        self.tally = Tally(images_per_request)
        self._queue = Queue()
        self._journeys = Journeys(self._queue, self.tally, images_per_request)
        self._resting: dict[asyncio.TimerHandle, list[Journey]] = {}
        self._answer_times: deque[float] = deque(maxlen=16)
        self._pump_task: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
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
        self._stop_pump()
        for task in self._tasks:
            task.cancel()
        for timer in self._resting:
            timer.cancel()
        closed = OCRError("the session was closed before this image was answered")
        for journey in self._journeys:
            self._journeys.fail(journey, closed)
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- the pump ---------------------------------------------------------------------------------

    def _start_pump(self) -> None:
        if self._queue and (self._pump_task is None or self._pump_task.done()):
            self._pump_task = self._start(self._pump(), "aliocr pump")

    def _start(self, work: Coroutine[None, None, None], name: str) -> asyncio.Task[None]:
        # Not by `create_task`: a loop's eager task factory would run it at once, and an outcome
        # would be there before its caller has the ticket.
        task = asyncio.Task(work, loop=asyncio.get_running_loop(), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _stop_pump(self) -> None:
        if self._pump_task is not None:
            self._pump_task.cancel()
            self._pump_task = None

    async def _pump(self) -> None:
        """A batch a turn, until nobody waits; the next image to arrive starts it again."""
        failed = OCRError("what sends the images was cancelled from outside")
        try:
            while self._queue:
                await self._carrier.prepare()
                turn = await self._turn()
                self._dispatch(turn)
        except OCRError as error:
            failed = error
        except Exception as error:  # noqa: BLE001 - a defect here; no caller may wait for ever
            failed = _unexpected(error)
        finally:
            if self._pump_task is asyncio.current_task():  # else it was stopped by its owner
                self._pump_task = None
                if self._queue:
                    self._refuse_waiting(failed)

    async def _turn(self) -> Turn:
        began = asyncio.get_running_loop().time()
        try:
            return await self._account.turn(self._limiter)
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

    def _dispatch(self, turn: Turn) -> None:
        batch = self._take(turn)
        if not batch:  # all were withdrawn meanwhile
            turn.lapse()
            return
        for journey in batch:
            self._journeys.depart(journey)
        self.tally.requests += 1
        _ = self._start(self._travel(batch, turn.use(len(batch))), "aliocr request")

    def _take(self, turn: Turn) -> list[Journey]:
        """The batch of this turn, without those that nobody would wait for to the end."""
        quickest = min(self._answer_times, default=0.0)
        while batch := self._queue.take(int(min(self._most, turn.room))):
            horizon = turn.began + quickest
            late = [journey for journey in batch if journey.deadline < horizon]
            for journey in late:
                too_late = "no time is left for an answer, so it was not sent"
                self._journeys.fail(journey, ScanTimeoutError(too_late))
            if len(late) < len(batch):
                return [journey for journey in batch if journey not in late]
        return []

    async def _travel(self, batch: list[Journey], trip: Trip) -> None:
        failed = OCRError("the request was cancelled from outside", maybe_charged=True)
        answers: Sequence[Answer] | None = None
        try:
            answers = await self._carrier.send([journey.image for journey in batch])
        except OCRError as error:
            failed = error
        except Exception as error:  # noqa: BLE001 - a defect here; no caller may wait for ever
            failed = _unexpected(error)
        finally:
            self._account.arrive(trip, failed if answers is None else answers)
            if answers is not None:
                took = asyncio.get_running_loop().time() - trip.sent.at
                self._answer_times.append(took)
            if not self._closed:
                self._return(batch, answers, failed)

    def _return(
        self, batch: list[Journey], answers: Sequence[Answer] | None, failed: OCRError
    ) -> None:
        """Rule 4: a request that failed as a whole sends its images on in smaller company."""
        if answers is None:
            if isinstance(failed, ImageError) and not failed.maybe_charged and len(batch) > 1:
                # Refused whole because of one: nothing ran, so this costs nobody a try.
                for journey in batch:
                    journey.company = math.ceil(len(batch) / 2)
                self._come_back(batch)
                return
            if failed.transient and failed.maybe_charged:
                for journey in batch:
                    left = self._retry.max_retries - journey.failures
                    journey.company = min(journey.company, smaller_company(len(batch), left))
            answers = [failed] * len(batch)
        self._settle(batch, answers)

    # --- outcomes ---------------------------------------------------------------------------------

    def _settle(self, batch: Sequence[Journey], answers: Sequence[Answer]) -> None:
        """Give out outcomes; those that failed alike rest alike, and come back together."""
        throttled: list[Journey] = []
        alike: dict[tuple[object, ...], tuple[OCRError, list[Journey]]] = {}
        for journey, answer in zip(batch, answers, strict=True):
            journey.travelling = False
            if journey not in self._journeys:
                continue
            if isinstance(answer, Scan):
                self._budget.refill()
                self._journeys.succeed(journey, answer)
            elif isinstance(answer, ThrottledError):
                if self._waits_on(journey, answer):
                    throttled.append(journey)
            else:
                journey.failures += 1
                journey.maybe_charged |= answer.maybe_charged
                kind = (type(answer), str(answer), journey.failures)
                alike.setdefault(kind, (answer, []))[1].append(journey)
        self._come_back(throttled)
        for error, group in alike.values():
            self._retry_or_fail(group, error)

    def _waits_on(self, journey: Journey, error: ThrottledError) -> bool:
        """Rule 5: it does, while anything gets through or its patience lasts."""
        now = asyncio.get_running_loop().time()
        self.tally.throttled += 1
        journey.refusals += 1
        journey.refused_at = min(journey.refused_at, now)
        stalled = self._account.stalled_for(now) > self._throttle_timeout
        patient = now - journey.refused_at <= self._throttle_timeout
        if patient or not (stalled or journey.refusals >= MANY_REFUSALS):
            return True
        self._journeys.fail(journey, error)
        if stalled:
            for other in list(self._queue):
                if now - other.since > self._throttle_timeout:
                    self._journeys.fail(other, error)
        return False

    def _retry_or_fail(self, group: Sequence[Journey], error: OCRError) -> None:
        rest = self._retry.rest_after(error, group[0].failures)
        again = []
        for journey in group:
            if rest is None or (journey.maybe_charged and not self._budget.spend()):
                self._journeys.fail(journey, error)
            else:
                again.append(journey)
        if again and rest is not None:
            self._lay_down(again, rest)
        if isinstance(error, AuthError) and rest is None:
            self._refuse_waiting(error)

    def _lay_down(self, group: list[Journey], seconds: float) -> None:
        def wake() -> None:
            del self._resting[timer]
            self._come_back(group)

        timer = asyncio.get_running_loop().call_later(seconds, wake)
        self._resting[timer] = group

    def _come_back(self, group: Sequence[Journey]) -> None:
        for journey in reversed(group):  # each goes to the front, so the first goes last
            journey.travelling = False
            if journey in self._journeys:
                self._queue.add(journey)
        self._start_pump()

    def _refuse_waiting(self, error: OCRError) -> None:
        """Rule 6."""
        for journey in self._journeys:
            if not journey.travelling:
                self._journeys.fail(journey, error)


def _unexpected(error: Exception) -> OCRError:
    failed = OCRError(f"{type(error).__name__}: {error}", maybe_charged=True)
    failed.__cause__ = error
    return failed
