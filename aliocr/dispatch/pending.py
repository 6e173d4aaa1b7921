"""All pending images of a session. Only this file changes the state of an image.

1. An image becomes done once, with one outcome for each of its waiters.
2. An image that is equal to a pending image joins the pending image, and costs nothing. An image to
   which its caller has given a data id never does this.
3. A caller that leaves withdraws its waiter. An image without waiters is done. If it was queued, it
   leaves the queue and costs nothing; if it was sent, it counts as given up when its request ends.

Pure: times are arguments, in seconds of the loop's clock.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import attrs

from aliocr.dispatch.pending_image import Follower, PendingImage, Receiver, State, Waiter
from aliocr.dispatch.queue import Lane, Queue
from aliocr.dispatch.retry import Verdict
from aliocr.errors import APIError, OCRError, ScanTimeoutError
from aliocr.models import Failure, Image, Scan
from aliocr.stats import Tally


class Pending:
    """All pending images of a session.

    Args:
        tally: Counts sent images and outcomes.
        images_per_request: Maximum number of images in a request.
    """

    def __init__(self, tally: Tally, images_per_request: int) -> None:
        self.queue: Queue[PendingImage] = Queue()
        self._tally = tally
        self._batch_limit = images_per_request
        self._open: dict[PendingImage, None] = {}
        self._equals: dict[Image, PendingImage] = {}
        self._resting = 0

    @property
    def waiting(self) -> int:
        """Number of images that wait for a permit, or for their next try."""
        return self.queue.size + self._resting

    def __iter__(self) -> Iterator[PendingImage]:
        """Return the images that are not done now; some may become done during the loop."""
        return iter(list(self._open))

    # --- callers ----------------------------------------------------------------------------------

    def add(
        self,
        image: Image,
        receiver: Receiver,
        lane: Lane,
        *,
        follower: Follower | None = None,
        number: int = 0,
        deadline: float = math.inf,
        now: float,
    ) -> Waiter:
        """Queue an image, or let its caller join an equal image; rule 2.

        Args:
            image: The image.
            receiver: Receives the outcome.
            lane: The lane of the image.
            follower: Is informed of the image's tries; None if the caller does not follow.
            number: The number that the caller gives the image.
            deadline: When the caller stops waiting.
            now: The time.
        """
        pending = PendingImage(image, lane, self._batch_limit, now)
        if image.data_id is None:
            pending = self._equals.setdefault(image, pending)
        waiter = Waiter(image, receiver, pending, follower, number, deadline)
        pending.waiters[waiter] = None
        if pending not in self._open:
            self._open[pending] = None
            self.queue.add(pending)
            return waiter
        self._tally.shared += 1
        if lane < pending.lane:
            if pending.state is State.QUEUED:
                self.queue.discard(pending)
                pending.lane = lane
                self.queue.add(pending)
            pending.lane = lane
        return waiter

    def withdraw(self, waiter: Waiter) -> None:
        """Deliver nothing more to this waiter; rule 3."""
        waiter.receiver = waiter.follower = None
        pending = waiter.pending
        pending.waiters.pop(waiter, None)
        if pending.state is not State.DONE and not pending.waiters:
            self._tally.given_up += pending.maybe_charged and pending.state is not State.SENT
            self._close(pending)

    # --- requests ---------------------------------------------------------------------------------

    def send(self, most: int, horizon: float) -> list[PendingImage]:
        """Take the next batch for a request that is sent now; empty if no image waits any more.

        Args:
            most: Maximum number of images in the batch, 1 or more.
            horizon: The earliest time when a response is expected. If all callers of an image stop
                waiting before this time, the image is not sent: it fails.
        """
        batch = self._take(most, horizon)
        for pending in batch:
            self._send(pending)
        return batch

    def refuse(self, most: int) -> list[PendingImage]:
        """Take the next batch for a request that cannot be made: its images return."""
        batch = self._take(most, -math.inf)
        for pending in batch:
            pending.enter(State.RETURNED)
        return batch

    def _take(self, most: int, horizon: float) -> list[PendingImage]:
        batch: list[PendingImage] = []
        while not batch and (taken := self.queue.take(most)):
            for pending in taken:
                if pending.deadline < horizon:
                    too_late = "the image was not sent, because no time is left for an answer"
                    self.fail(pending, ScanTimeoutError(too_late, transient=True))
            batch = [pending for pending in taken if pending.state is State.QUEUED]
        return batch

    def _send(self, pending: PendingImage) -> None:
        self._tally.images_sent += 1
        self._tally.charged_again += pending.maybe_charged
        self._tally.retried += pending.failures > 0
        for waiter in list(pending.waiters):
            if waiter.follower is not None:
                waiter.follower.image_sent(waiter)
        pending.sent_before = True
        pending.enter(State.SENT)
        self._tally.under_way += 1

    def returned(self, pending: PendingImage) -> bool:
        """Record that the image's request has ended; return whether a caller still waits for it."""
        self._tally.under_way -= 1
        pending.answered = False
        if pending.state is State.DONE:
            self._tally.given_up += 1
            return False
        pending.enter(State.RETURNED)
        return True

    # --- after a failed try -----------------------------------------------------------------------

    def note(self, pending: PendingImage, verdict: Verdict, error: OCRError) -> None:
        """Count a failed try as the verdict says, and reduce the batch limit."""
        rule = verdict.rule
        if rule.counter == "tries":
            pending.failures += 1
            pending.error = error
            charged = error.maybe_charged if rule.charged == "error" else rule.charged == "maybe"
            pending.maybe_charged |= charged
        if verdict.counter is not None:
            pending.tries = pending.tries or {}
            pending.tries[verdict.counter] = pending.tries.get(verdict.counter, 0) + 1
        if verdict.batch_limit is not None:
            pending.batch_limit = min(pending.batch_limit, verdict.batch_limit)

    def count_refusal(self, pending: PendingImage, error: OCRError, now: float) -> None:
        """Count a throttled try; only an int code is about the image, a string code is not."""
        self._tally.throttled += 1
        pending.quota_refusals += isinstance(error, APIError) and isinstance(error.code, int)
        pending.throttled_at = min(pending.throttled_at, now)

    def still_wanted(self, group: Sequence[PendingImage]) -> list[PendingImage]:
        """Inform the followers of a next try; return the images for which a caller still waits."""
        for pending in group:
            for waiter in list(pending.waiters):
                if waiter.follower is not None:
                    waiter.follower.image_returned(waiter)
        return [pending for pending in group if pending.state is not State.DONE]

    def rest(self, group: Sequence[PendingImage]) -> None:
        """Let images rest before their next try."""
        for pending in group:
            pending.enter(State.RESTING)
        self._resting += len(group)

    def requeue(self, group: Sequence[PendingImage], *, last: bool = False) -> None:
        """Put images into the queue again, in the given order, before images never sent.

        Args:
            group: The images.
            last: True to put them behind all other images.
        """
        # If each image goes to the front, the first is put last.
        for pending in group if last else reversed(group):
            if pending.state is not State.DONE:
                pending.goes_last = last
                self._resting -= pending.state is State.RESTING
                pending.enter(State.QUEUED)
                self.queue.add(pending)

    # --- outcomes ---------------------------------------------------------------------------------

    def fail(self, pending: PendingImage, error: OCRError) -> None:
        """Deliver a failure, which says whether any try may have been charged."""
        if pending.state is State.DONE:  # one caller withdrew it while another was informed
            return
        charged = pending.maybe_charged or pending.state is State.SENT or error.maybe_charged
        self._close(pending)
        for waiter, receiver in self._receivers(pending, type(error).__name__):
            receiver.deliver(waiter, Failure(waiter.image, _own(error, maybe_charged=charged)))

    def succeed(self, pending: PendingImage, scan: Scan) -> bool:
        """Record that the image's request has ended, and deliver the scan.

        Returns:
            Whether a caller still waited for the image.
        """
        if not self.returned(pending):
            return False
        self._close(pending)
        for waiter, receiver in self._receivers(pending, "Scan"):
            same = waiter.image is scan.image
            receiver.deliver(waiter, scan if same else attrs.evolve(scan, image=waiter.image))
        return True

    def _close(self, pending: PendingImage) -> None:
        if pending.state is State.QUEUED:
            self.queue.discard(pending)
        self._resting -= pending.state is State.RESTING
        pending.enter(State.DONE)
        del self._open[pending]
        if pending.image.data_id is None:
            del self._equals[pending.image]

    def _receivers(self, pending: PendingImage, kind: str) -> Iterator[tuple[Waiter, Receiver]]:
        """Return each waiter with its receiver, once, if the receiver still wants the outcome."""
        for waiter in list(pending.waiters):
            receiver, waiter.receiver = waiter.receiver, None
            if receiver is not None:
                self._tally.outcomes[kind] += 1
                yield waiter, receiver


def _own(error: OCRError, *, maybe_charged: bool) -> OCRError:
    """Copy an exception for one caller: an exception grows with each task that raises it."""
    own = type(error).__new__(type(error), *error.args)
    own.__dict__.update(error.__dict__)
    own.args = error.args  # a ScanTimeoutError is an OSError, whose __new__ leaves args empty
    own.__cause__ = error.__cause__
    own.maybe_charged = maybe_charged
    return own
