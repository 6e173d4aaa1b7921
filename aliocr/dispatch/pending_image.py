"""A pending image: submitted and not done, with its state and the callers that wait for it.

    queued    waits for a permit                      → sent, returned, done
    sent      is in a request                         → returned, done
    returned  its try has ended without a scan        → queued, resting, done
    resting   waits before its next try               → queued, done
    done      its outcome was delivered, or no caller waits for it

A queued image returns without being sent if its request could not be made, because there was no key
to sign it, or no permit.

Pure: times are arguments, in seconds of the loop's clock.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from enum import StrEnum
from typing import Protocol

import attrs

from aliocr.dispatch.queue import Lane
from aliocr.errors import OCRError
from aliocr.models import Image, Outcome


class State(StrEnum):
    """The state of a pending image; the table above shows which states may follow."""

    QUEUED = "queued"
    SENT = "sent"
    RETURNED = "returned"
    RESTING = "resting"
    DONE = "done"


NEXT: dict[State, tuple[State, ...]] = {
    State.QUEUED: (State.SENT, State.RETURNED, State.DONE),
    State.SENT: (State.RETURNED, State.DONE),
    State.RETURNED: (State.QUEUED, State.RESTING, State.DONE),
    State.RESTING: (State.QUEUED, State.DONE),
    State.DONE: (),
}

REFUSALS_IN_FRONT = 3
"""Number of refusals after which an image returns to the end of the queue. Reason: if a request may
carry only one image, the image at the front could otherwise block all others."""


class Receiver(Protocol):
    """A caller that waits for an outcome."""

    def deliver(self, waiter: Waiter, outcome: Outcome) -> None:
        """Receive the one outcome of the image. Must not raise."""


class Follower(Protocol):
    """A caller that also follows the tries of its images."""

    def image_sent(self, waiter: Waiter) -> None:
        """Learn that the image is sent; later waiters learn only of its next try."""

    def image_returned(self, waiter: Waiter) -> None:
        """Learn that a try has failed and another try follows, immediately or after a rest.

        A caller that wants no other try withdraws its waiter now.
        """


@attrs.define(eq=False)
class Waiter:
    """One caller that waits for one image.

    Args:
        image: The image as this caller gave it.
        receiver: Receives the outcome; None if the outcome was delivered or is not wanted any more.
        pending: The pending image, shared with the waiters of equal images.
        follower: Is informed of the tries; None for a caller that does not follow them.
        number: The number that the caller gives the image.
        deadline: When the caller stops waiting.
    """

    image: Image
    receiver: Receiver | None
    pending: PendingImage
    follower: Follower | None = None
    number: int = 0
    deadline: float = math.inf


@attrs.define(eq=False)
class PendingImage:
    """One image, from the call that submits it until its outcome.

    Args:
        image: The image.
        lane: The lane of the image.
        batch_limit: Maximum number of images in its next request, this image included.
        since: When the image first joined the queue.
        state: The state; only `Pending` changes it.
        waiters: One waiter for each caller.
        failures: Number of failed tries, without throttled tries.
        tries: Number of failed tries of each kind or code; None if no try has failed. Tries that
            failed in an outage are left out.
        error: The failure of its last failed try; None if no try has failed.
        goes_last: True if it returned while the service did not answer, so that others go first.
        quota_refusals: Number of tries in which this image was refused for the image quota.
        throttled_at: When the image was throttled first.
        sent_before: True if the image was sent at least once.
        maybe_charged: True if a try that has ended may have been charged.
        answered: True while the reply to its request is being delivered.
    """

    image: Image
    lane: Lane
    batch_limit: int
    since: float
    state: State = State.QUEUED
    waiters: dict[Waiter, None] = attrs.field(factory=dict, repr=False)
    failures: int = 0
    tries: dict[Hashable, int] | None = None
    error: OCRError | None = attrs.field(default=None, repr=False)
    goes_last: bool = False
    quota_refusals: int = 0
    throttled_at: float = math.inf
    sent_before: bool = False
    maybe_charged: bool = False
    answered: bool = False

    @property
    def deadline(self) -> float:
        """The time when the last caller of the image stops waiting."""
        return max([waiter.deadline for waiter in self.waiters], default=-math.inf)

    @property
    def goes_first(self) -> bool:
        """True if the image joins the queue at the front, because it returns from a try."""
        returns = self.sent_before or self.failures > 0
        return returns and not self.goes_last and self.quota_refusals < REFUSALS_IN_FRONT

    def enter(self, state: State) -> None:
        """Change the state, as the table allows."""
        if state not in NEXT[self.state]:
            raise RuntimeError(f"an image cannot be {state} after {self.state}")
        self.state = state
