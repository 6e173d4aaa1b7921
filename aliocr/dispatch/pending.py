"""Pending images: asked for and not done. Every change of their state is in this file.

    queued    waits for a permit                      → sent, done
    sent      is in a request                         → returned, done
    returned  its request has ended without a scan    → queued, resting, done
    resting   waits before its next try               → queued, done
    done      its outcome was given out, or no caller waits for it

1. An image is done once, with one outcome for each of its waiters.
2. An image equal to one that is not done joins it, and costs nothing; unless a caller has given
   either image a data id.
3. A caller that leaves takes its waiter away. An image without waiters is done: a queued one leaves
   the queue, and costs nothing; one that is sent is counted when its request ends.

Pure: times come in as arguments, in seconds of the loop's clock.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Sequence
from enum import StrEnum
from typing import Protocol

import attrs

from aliocr.dispatch.queue import Lane, Queue
from aliocr.dispatch.retry import Verdict
from aliocr.errors import OCRError, ScanTimeoutError, ThrottledError
from aliocr.models import Failure, Image, Outcome, Scan
from aliocr.stats import Tally


class State(StrEnum):
    """The state of a pending image; the table above says what may follow."""

    QUEUED = "queued"
    SENT = "sent"
    RETURNED = "returned"
    RESTING = "resting"
    DONE = "done"


NEXT: dict[State, tuple[State, ...]] = {
    State.QUEUED: (State.SENT, State.DONE),
    State.SENT: (State.RETURNED, State.DONE),
    State.RETURNED: (State.QUEUED, State.RESTING, State.DONE),
    State.RESTING: (State.QUEUED, State.DONE),
    State.DONE: (),
}


class Receiver(Protocol):
    """A caller that waits for an outcome."""

    def deliver(self, waiter: Waiter, outcome: Outcome) -> None:
        """Take the one outcome of the image. Must not raise."""


class Follower(Protocol):
    """A caller that also follows the tries of its images."""

    def image_sent(self, waiter: Waiter) -> None:
        """The image has left the queue for its first try; not called for one that joined later."""

    def image_returned(self, waiter: Waiter) -> None:
        """The image has returned from a try and takes another, at once or after a rest.

        A caller that wants no other try withdraws its waiter now.
        """


@attrs.define(eq=False)
class Waiter:
    """One caller's wait for one image.

    Args:
        image: As this caller gave it.
        receiver: Gets the outcome; None once it was given, or is not wanted any more.
        pending: The image, shared with the waiters of equal images.
        follower: Hears of its tries; None for a caller that does not follow them.
        number: The caller's own number for the image.
        deadline: When the caller leaves.
    """

    image: Image
    receiver: Receiver | None
    pending: PendingImage
    follower: Follower | None = None
    number: int = 0
    deadline: float = math.inf


@attrs.define(eq=False)
class PendingImage:
    """One image from the call that asks for it to its outcome.

    Args:
        image: The image.
        lane: Its lane.
        batch_limit: The most images that its next request may carry, itself included.
        since: When it first joined the queue.
        state: Its state; only `Pending` changes it.
        waiters: One for each caller.
        failures: Tries that failed, throttled ones left out.
        tries: The same by kind or code; None for none.
        quota_refusals: Tries in which the image itself was refused for the image quota.
        throttled_at: When it was throttled first.
        sent_before: It has left the queue at least once.
        maybe_charged: A try that has ended may have been charged.
    """

    image: Image
    lane: Lane
    batch_limit: int
    since: float
    state: State = State.QUEUED
    waiters: dict[Waiter, None] = attrs.field(factory=dict, repr=False)
    failures: int = 0
    tries: dict[Hashable, int] | None = None
    quota_refusals: int = 0
    throttled_at: float = math.inf
    sent_before: bool = False
    maybe_charged: bool = False

    @property
    def deadline(self) -> float:
        """The moment at which its last caller leaves."""
        return max([waiter.deadline for waiter in self.waiters], default=-math.inf)

    def enter(self, state: State) -> None:
        """Change the state, as the table allows."""
        if state not in NEXT[self.state]:
            raise RuntimeError(f"an image cannot be {state} after {self.state}")
        self.state = state


class Pending:
    """All pending images of a session, from the call that asks for each to its one outcome.

    Args:
        tally: Where sent images and outcomes are counted.
        images_per_request: The most images that a request may carry.
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
        """Images that wait for a permit, or for their next try."""
        return self.queue.size + self._resting

    def __iter__(self) -> Iterator[PendingImage]:
        """The images that are not done now; each may become so during the loop."""
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
        """Queue an image, or let its caller join an equal one; rule 2.

        Args:
            image: The image.
            receiver: Gets the outcome.
            lane: Its lane.
            follower: Hears of its tries; None if the caller does not follow them.
            number: The caller's own number for the image.
            deadline: When the caller leaves.
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
        """Take the next batch from the queue, for a request that leaves now.

        Args:
            most: Images in the batch at most, 1 or more.
            horizon: When an answer is expected at the earliest. An image whose callers have all
                left by then is not sent: it fails.

        Returns:
            The batch; empty if no image waits any more.
        """
        batch: list[PendingImage] = []
        while not batch and (taken := self.queue.take(most)):
            for pending in taken:
                if pending.deadline < horizon:
                    too_late = "no time is left for an answer, so it was not sent"
                    self.fail(pending, ScanTimeoutError(too_late, transient=True))
            batch = [pending for pending in taken if pending.state is State.QUEUED]
        for pending in batch:
            self._send(pending)
        return batch

    def _send(self, pending: PendingImage) -> None:
        self._tally.images_sent += 1
        self._tally.charged_again += pending.maybe_charged
        self._tally.retried += pending.failures > 0
        if not pending.sent_before:
            for waiter in list(pending.waiters):
                if waiter.follower is not None:
                    waiter.follower.image_sent(waiter)
        pending.sent_before = True
        pending.enter(State.SENT)
        self._tally.under_way += 1

    def returned(self, pending: PendingImage) -> bool:
        """Note that its request has ended; return whether a caller still waits for the image."""
        self._tally.under_way -= 1
        if pending.state is State.DONE:
            self._tally.given_up += 1
            return False
        pending.enter(State.RETURNED)
        return True

    # --- after a failed try -----------------------------------------------------------------------

    def note(self, pending: PendingImage, verdict: Verdict, error: OCRError) -> None:
        """Count a failed try as the verdict says, and reduce the batch limit."""
        rule = verdict.rule
        if verdict.counter is not None:
            pending.failures += 1
            pending.tries = pending.tries or {}
            pending.tries[verdict.counter] = pending.tries.get(verdict.counter, 0) + 1
            charged = error.maybe_charged if rule.charged == "error" else rule.charged == "maybe"
            pending.maybe_charged |= charged
        if verdict.batch_limit is not None:
            pending.batch_limit = min(pending.batch_limit, verdict.batch_limit)

    def count_refusal(self, pending: PendingImage, error: ThrottledError, now: float) -> None:
        """Count a throttled try; the gateway's code speaks of the request, not of the image."""
        self._tally.throttled += 1
        pending.quota_refusals += isinstance(error.code, int)
        pending.throttled_at = min(pending.throttled_at, now)

    def still_wanted(self, group: Sequence[PendingImage]) -> list[PendingImage]:
        """Tell the callers of a next try; return the images for which one still waits."""
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

    def requeue(self, group: Sequence[PendingImage]) -> None:
        """Put images into the queue again, in this order, before all that were never sent."""
        for pending in reversed(group):  # each goes to the front, so the first goes last
            if pending.state is not State.DONE:
                self._resting -= pending.state is State.RESTING
                pending.enter(State.QUEUED)
                self.queue.add(pending)

    # --- outcomes ---------------------------------------------------------------------------------

    def fail(self, pending: PendingImage, error: OCRError) -> None:
        """Give out a failure, which says whether any try may have been charged."""
        if pending.state is State.DONE:  # a caller withdrew it while another was told
            return
        charged = pending.maybe_charged or pending.state is State.SENT or error.maybe_charged
        self._close(pending)
        for waiter, receiver in self._receivers(pending, type(error).__name__):
            receiver.deliver(waiter, Failure(waiter.image, _own(error, maybe_charged=charged)))

    def succeed(self, pending: PendingImage, scan: Scan) -> bool:
        """Note that its request has ended, and give out the scan.

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
        """Each waiter with its receiver, once, as long as the receiver wants the outcome."""
        for waiter in list(pending.waiters):
            receiver, waiter.receiver = waiter.receiver, None
            if receiver is not None:
                self._tally.outcomes[kind] += 1
                yield waiter, receiver


def _own(error: OCRError, *, maybe_charged: bool) -> OCRError:
    """Copy an exception for one caller: an exception that many tasks raise grows with each."""
    own = type(error).__new__(type(error), *error.args)
    own.__dict__.update(error.__dict__)
    own.args = error.args  # an OSError sets its args in __init__, which may take other ones
    own.__cause__ = error.__cause__
    own.maybe_charged = maybe_charged
    return own
