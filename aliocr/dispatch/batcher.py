"""The batcher: sends waiting images in requests, and brings back their outcomes.

The rules of this file:

1. Only the pump takes images from the queue, and only when it holds a permit. The batch consists of
   images that wait at that moment. If images come more slowly than the rate limit, each is sent
   immediately and alone. If they come faster, they must wait, and waiting images share a request.
   No timer waits for a batch to fill.
2. Nothing is awaited between a permit and its request, so that the request leaves in time. If
   there is no permit or no key, because the limiter or the credentials provider failed, this is a
   failed try of the images that would have been sent, and of no other images.
3. A cancelled caller withdraws its waiter. A request that was sent continues, because its other
   images belong to other callers. It ends when its reply has come, or when the batcher is closed.
4. A failed image joins the queue again, in front of all images that were never sent, and needs a
   permit like any other image. If a request fails as a whole, its images may have to share smaller
   requests (`retry` decides). So an image that makes every request fail is alone in the end.
5. Throttling is about the account, so it uses up no tries. Throttled images return to the queue
   immediately, and wait with the other images for the account's next permit.
6. An outage is about the account, too. Images wait in the queue until a probe is answered, but not
   longer than the session's `patience`.
7. No request is sent while more than one reply waits to be delivered.
8. The batcher owns every task. Every task runs in a copy of the context in which the session was
   opened: a request serves many callers, so it must not appear in the trace of one caller. `close`
   delivers the replies that have come, fails the other images, and ends the tasks.

The states of an image are in `pending`; `retry` decides what happens to a failed image.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import math
from collections.abc import Callable, Coroutine, Iterator, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

from aliocr.dispatch.pending import Pending
from aliocr.dispatch.pending_image import Follower, PendingImage, Receiver, State, Waiter
from aliocr.dispatch.queue import Lane
from aliocr.dispatch.rates.limiter import Limiter
from aliocr.dispatch.retry import RepeatBudget, RetryPolicy
from aliocr.dispatch.settling import Settler, defect
from aliocr.dispatch.throttle import AccountThrottle, SendPermit, SentRequest
from aliocr.errors import OCRError, OverloadError
from aliocr.models import Image
from aliocr.protocol.replies import ReplyPart
from aliocr.stats import Stats, Tally

T = TypeVar("T")


class Sender(Protocol):
    """Sends a batch to the service, and brings back the outcomes of its images."""

    @property
    def ready(self) -> bool:
        """Tell if a request can be sent at once; if not, it must be prepared again."""

    async def prepare(self) -> None:
        """Do the work that may take time, before a permit is awaited."""

    async def send(self, images: Sequence[Image]) -> Iterator[ReplyPart]:
        """Send one request; return the outcomes part by part, or raise an `OCRError` for all."""


LOOK_AGAIN = 1.0
"""Seconds after which a pump that waits for a permit looks for images that have waited too long."""

PUMP_REST = 0.1
"""Seconds after which the limiter or credentials provider is asked again after a failure."""


class Batcher:
    """Sends images to the service, delivers their outcomes, and owns every task for this work.

    Args:
        sender: Sends one batch.
        throttle: Gives the permits of the account.
        limiter: Gives the permits; None for the account's own limiter.
        retry: Decides what happens to a failed image.
        budget: Limits the images that are sent again although they may have been charged.
        images_per_request: Maximum number of images in a batch.
        throttle_timeout: Time for which images wait while the whole account is refused, in seconds.
        patience: Time for which images wait in an outage, in seconds.
        max_waiting: Number of waiting images from which on a caller gets an `OverloadError`.
    """

    def __init__(
        self,
        sender: Sender,
        throttle: AccountThrottle,
        *,
        limiter: Limiter | None = None,
        retry: RetryPolicy,
        budget: RepeatBudget,
        images_per_request: int,
        throttle_timeout: float = math.inf,
        patience: float = math.inf,
        max_waiting: float = math.inf,
    ) -> None:
        self._sender = sender
        self._throttle = throttle
        self._limiter = limiter
        self._most = images_per_request
        self._max_waiting = max_waiting
        self.tally = Tally(images_per_request)
        self._pending = Pending(self.tally, images_per_request)
        self._queue = self._pending.queue
        self._settler = Settler(
            self._pending,
            throttle,
            retry=retry,
            budget=budget,
            throttle_timeout=throttle_timeout,
            patience=patience,
            ready=self._start_pump,
        )
        self._pump_task: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closed = False
        self._change = asyncio.Event()
        self.closing = False
        self._context = contextvars.copy_context()

    # --- callers ----------------------------------------------------------------------------------

    def check_room(self) -> None:
        """Refuse a caller if too many images wait already.

        Raises:
            OverloadError: Too many images wait.
        """
        if self._queue.size >= self._max_waiting:
            self.tally.outcomes["OverloadError"] += 1
            raise OverloadError(
                f"{self._queue.size} images wait already, and max_waiting is {self._max_waiting}; "
                "nothing was sent, try again later",
                transient=True,
            )

    @property
    def stats(self) -> Stats:
        """The numbers of the session so far."""
        return self.tally.stats(waiting=self._pending.waiting)

    def submit(
        self,
        image: Image,
        receiver: Receiver,
        lane: Lane,
        *,
        follower: Follower | None = None,
        number: int = 0,
        deadline: float = math.inf,
    ) -> Waiter:
        """Put an image into the queue; later, `receiver.deliver` is called once.

        Args:
            image: The image.
            receiver: Receives the outcome of the image.
            lane: The lane of the image. A caller of the bulk lane checks for room itself.
            follower: Is informed of the image's tries; None if the caller does not follow.
            number: The number that the caller gives the image.
            deadline: When the caller stops waiting, in seconds of the loop's clock.

        Raises:
            OverloadError: Too many images wait already, and this image is interactive.
        """
        if lane is Lane.INTERACTIVE:
            self.check_room()
        if self.closing:
            raise RuntimeError("the session is closed")
        now = asyncio.get_running_loop().time()
        waiter = self._pending.add(
            image, receiver, lane, follower=follower, number=number, deadline=deadline, now=now
        )
        self._start_pump()
        return waiter

    def withdraw(self, waiter: Waiter) -> None:
        """Deliver nothing more to this waiter; rule 3."""
        self._pending.withdraw(waiter)
        self._change.set()
        if not self._queue.size:
            self._stop_pump()

    async def drain(self) -> None:
        """Send nothing more; return when every image that was sent has its outcome."""
        self.closing = True
        self._stop_pump()
        while self._fail_unsent():
            self._change.clear()
            await self._change.wait()

    def _fail_unsent(self) -> bool:
        """Fail all images that would have to be sent; return whether any image is not done."""
        why = OCRError("the session was drained before this image was sent")
        for pending in list(self._pending):
            if pending.state in (State.QUEUED, State.RESTING):
                self._pending.fail(pending, pending.error or why)
        return any(self._pending)

    async def close(self) -> None:
        """Deliver a failure for every image that is not done, and end every task."""
        self._closed = self.closing = True
        self._settler.close()
        self._stop_pump()
        for task in self._tasks:
            task.cancel()
        closed = OCRError("the session was closed before this image was answered")
        for pending in self._pending:
            self._pending.fail(pending, closed)
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- the pump ---------------------------------------------------------------------------------

    def _start_pump(self) -> None:
        if self.closing:
            self._change.set()
            return
        idle = self._pump_task is None or self._pump_task.done()
        if idle and self._queue.size and not self._settler.behind:
            self._pump_task = self._start(self._pump(), "aliocr pump", self._pump_ended)

    def _start(
        self,
        work: Coroutine[None, None, T],
        name: str,
        ended: Callable[[asyncio.Task[T]], None],
    ) -> asyncio.Task[T]:
        """Start a task; call `ended` when it ends, even if it was cancelled before it began."""
        # `create_task` is not used because a loop's eager task factory would run the task
        # immediately. Then an outcome would come before its caller has the waiter.
        loop = asyncio.get_running_loop()
        task = asyncio.Task(work, loop=loop, name=name, context=self._context.copy())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(ended)
        return task

    def _stop_pump(self) -> None:
        if self._pump_task is not None:
            self._pump_task.cancel()
            self._pump_task = None

    async def _pump(self) -> None:
        """Send one batch per permit until no image waits; the next image starts the pump again."""
        while self._queue.size and not self._settler.behind:
            began = asyncio.get_running_loop().time()
            try:
                with _repeated(LOOK_AGAIN, self._end_patience):
                    await self._sender.prepare()
                    permit = await self._permit(began)
            except OCRError as error:
                self._settler.settle_unsent(self._pending.refuse(self._most), error)
                await asyncio.sleep(PUMP_REST)
                continue
            if not self._sender.ready:  # meanwhile, the service has refused the key
                permit.give_back()
                continue
            self._settler.end_patience()
            horizon = permit.began + self._throttle.health.fastest_response(permit.began)
            batch = self._pending.send(int(min(self._most, permit.room)), horizon)
            if not batch:  # meanwhile, all images were withdrawn, or had no time left
                permit.give_back()
                continue
            self.tally.requests += 1
            sending = self._sender.send([pending.image for pending in batch])
            request = permit.use(len(batch), permit.began - began)
            _ = self._start(sending, "aliocr request", partial(self._ended, batch, request))

    def _pump_ended(self, task: asyncio.Task[None]) -> None:
        failed = _failure(task)
        if task is self._pump_task:  # if not, `_stop_pump` has ended this task
            self._pump_task = None
            if failed is not None:
                self._settler.fail_waiting(failed)
            self._start_pump()

    async def _permit(self, since: float) -> SendPermit:
        began = asyncio.get_running_loop().time()
        try:
            return await self._throttle.permit(self._limiter, since=since)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            raise OCRError("the limiter was cancelled", transient=True) from None
        except OCRError:
            raise
        except Exception as error:
            text = f"the limiter raised {type(error).__name__}: {error}"
            raise OCRError(text, transient=True) from error
        finally:
            self.tally.waited += asyncio.get_running_loop().time() - began

    def _end_patience(self) -> None:
        self._settler.end_patience()
        if not self._queue.size:
            self._stop_pump()

    def _ended(
        self,
        batch: list[PendingImage],
        request: SentRequest,
        task: asyncio.Task[Iterator[ReplyPart]],
    ) -> None:
        """Pass a reply, or the failure of a whole request, to the settler."""
        failed = _failure(task)
        if failed is None:
            self._settler.receive(batch, task.result(), request)
            if self._closed:
                self._settler.close()
            return
        images = [pending.image for pending in batch]
        chance = self._throttle.failed(request, images, failed)
        for pending in batch:
            self._pending.returned(pending)
        if not self._closed:
            self._settler.settle_request(batch, failed, request, chance=chance)
            self._change.set()


@contextlib.contextmanager
def _repeated(seconds: float, call: Callable[[], None]) -> Iterator[None]:
    """Call a function every so many seconds while the block runs."""
    timer: asyncio.TimerHandle

    def again() -> None:
        nonlocal timer
        timer = asyncio.get_running_loop().call_later(seconds, again)
        call()

    timer = asyncio.get_running_loop().call_later(seconds, again)
    try:
        yield
    finally:
        timer.cancel()


def _failure(task: asyncio.Task[T]) -> OCRError | None:
    """Return the error of a finished task, as callers get it; None if the task did not fail."""
    if task.cancelled():
        return OCRError(f"{task.get_name()}: cancelled from outside", maybe_charged=True)
    error = task.exception()
    if error is None or isinstance(error, OCRError):
        return error
    return defect(error)
