"""Settling: delivers each reply part by part, and does with failed images what `retry` decides.

1. Replies are delivered one after the other, one part in each round of the event loop. Therefore
   many replies do not block the loop for longer than one reply does. Replies are not unpacked in a
   task, because a cancelled task would lose outcomes that were paid for.
2. The account's throttle learns from a reply when the whole reply has been read.
3. A throttled image waits with the others for the account's next permit, and uses up no try. It
   fails if no image of the account was accepted for longer than `throttle_timeout`. It also fails
   if it was refused `MANY_REFUSALS` times, over a time longer than `throttle_timeout`.
4. Images that fail for the same reason rest for the same time, and return together.
5. If the token or the clock is out of date, the next request has a new token or clock, and no try
   is used up. If the service refuses that request, too, or refuses the account itself, every image
   that is not in a request fails.
6. In an outage, an image waits with the others for the account's next permit, and uses up no try,
   while it has waited for less than `patience` since the outage began. After that, it fails.
7. The service may refuse the account in the answer for one image. This refusal counts for the
   account only if all images of the reply have such an answer and no image was read for
   `ACCOUNT_REFUSED_AFTER` seconds.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence

import attrs

from aliocr.dispatch.health import is_of_service
from aliocr.dispatch.pending import Pending
from aliocr.dispatch.pending_image import PendingImage, State
from aliocr.dispatch.retry import (
    KEY_RETRIES,
    RULES,
    Deed,
    RepeatBudget,
    RetryPolicy,
    Verdict,
    counter_of,
    kind_of,
)
from aliocr.dispatch.throttle import AccountThrottle, SentRequest
from aliocr.errors import AuthError, OCRError, TransportError
from aliocr.models import Scan
from aliocr.protocol.replies import ReplyPart

MANY_REFUSALS = 20
"""Number of refusals after which an image fails although other images are accepted; see rule 3."""

ACCOUNT_REFUSED_AFTER = 60.0
"""If no image was read for this time, in seconds, refusals count for the account; see rule 7."""


@attrs.define(eq=False)
class _Reply:
    """A reply that is being delivered.

    Args:
        request: The request of the reply.
        parts: The parts that were not read yet.
        open: The images without an outcome yet, by their places in the request.
        size: Number of images in the request.
        failed: The images that were not read, with their errors, in the order of the request.
    """

    request: SentRequest
    parts: Iterator[ReplyPart]
    open: dict[int, PendingImage]
    size: int
    failed: list[tuple[PendingImage, OCRError]] = attrs.field(factory=list)

    def next_part(self) -> ReplyPart:
        """Read the next part; called only while an image is open."""
        try:
            return next(self.parts)
        except Exception as error:  # noqa: BLE001 - after a defect, no caller may wait for ever
            return [(place, defect(error)) for place in self.open]


class Settler:
    """Delivers replies, and retries or fails the images that were not read.

    Args:
        pending: The pending images.
        throttle: The throttle of the account.
        retry: Decides what happens to a failed image.
        budget: Limits the images that are sent again although they may have been charged.
        throttle_timeout: Time to wait while the whole account is refused, in seconds.
        patience: Time to wait in an outage, in seconds.
        ready: Called when images have joined the queue, or can be sent again.

    Attributes:
        behind: True while more than one reply waits; during this time, nothing is sent.
    """

    def __init__(
        self,
        pending: Pending,
        throttle: AccountThrottle,
        *,
        retry: RetryPolicy,
        budget: RepeatBudget,
        throttle_timeout: float,
        patience: float,
        ready: Callable[[], None],
    ) -> None:
        self._pending = pending
        self._throttle = throttle
        self._retry = retry
        self._budget = budget
        self._throttle_timeout = throttle_timeout
        self._patience = patience
        self._ready = ready
        self._rests: set[asyncio.TimerHandle] = set()
        self._replies: deque[_Reply] = deque()
        self._next_round: asyncio.Handle | None = None
        self._read_at = -math.inf
        self._key_failures = 0
        self._key_failed_at = -math.inf
        self.behind = False

    def close(self) -> None:
        """Deliver all replies that have come, immediately, and end all rests."""
        if self._next_round is not None:
            self._next_round.cancel()
        while self._replies:
            self._give_out_part()
        for timer in self._rests:
            timer.cancel()

    # --- replies ----------------------------------------------------------------------------------

    def receive(
        self, batch: Sequence[PendingImage], parts: Iterator[ReplyPart], request: SentRequest
    ) -> None:
        """Deliver a reply: its first part now, unless another reply is being delivered."""
        for pending in batch:
            pending.answered = True
        self._replies.append(_Reply(request, parts, dict(enumerate(batch)), len(batch)))
        self.behind = len(self._replies) > 1
        self._key_failures = 0
        if self._next_round is None:
            self._work()

    def _work(self) -> None:
        self._give_out_part()
        if self._replies:
            self._next_round = asyncio.get_running_loop().call_soon(self._work)
        else:
            self._next_round = None
            self._ready()

    def _give_out_part(self) -> None:
        """Deliver one part of the first reply; after its last part, settle the failed images."""
        reply = self._replies[0]
        for place, outcome in reply.next_part():
            pending = reply.open.pop(place)
            if not isinstance(outcome, Scan):
                reply.failed.append((pending, outcome))
            elif self._pending.succeed(pending, outcome):
                self._budget.refill()
                self._read_at = asyncio.get_running_loop().time()
        if not reply.open:
            self._replies.popleft()
            self.behind = len(self._replies) > 1
            failures = [(pending.image, error) for pending, error in reply.failed]
            self._throttle.answered(reply.request, failures, outcome.request_id)
            if reply.failed:
                for pending, _ in reply.failed:
                    self._pending.returned(pending)
                self._tell_images_from_account(reply)
                self._settle(reply.failed)

    def _tell_images_from_account(self, reply: _Reply) -> None:
        """Rule 7: mark each refusal of the account that is about one image only."""
        refusals = [error for _, error in reply.failed if isinstance(error, AuthError)]
        silent = asyncio.get_running_loop().time() - self._read_at > ACCOUNT_REFUSED_AFTER
        if len(refusals) < reply.size or not silent:
            for error in refusals:
                error.of_image = True

    # --- failures ---------------------------------------------------------------------------------

    def settle_request(
        self,
        batch: Sequence[PendingImage],
        error: OCRError,
        request: SentRequest,
        *,
        chance: float,
    ) -> None:
        """Settle the images of a request that failed as a whole; each image has returned.

        Args:
            batch: The images.
            error: The failure.
            request: The request.
            chance: The chance that a request fails for no reason of its own.
        """
        if RULES[kind_of(error)].counter == "key":
            self._renew_key(batch, error, request.sent.at)
        else:
            self._settle([(pending, error) for pending in batch], len(batch), chance)

    def settle_unsent(self, batch: Sequence[PendingImage], error: OCRError) -> None:
        """Settle the images of a request that could not be made; each image has returned."""
        self._settle([(pending, error) for pending in batch], sent=False)

    def _renew_key(self, batch: Sequence[PendingImage], error: OCRError, sent_at: float) -> None:
        """Rule 5. A request that was sent before the last key failure was known is not counted."""
        if sent_at > self._key_failed_at:
            self._key_failed_at = asyncio.get_running_loop().time()
            self._key_failures += 1
            self._throttle.notices.tell(
                "key",
                "the key or the clock is out of date, and is renewed: %(error)s",
                error=str(error),
            )
        if self._key_failures <= KEY_RETRIES:
            self._again_now(batch)
        else:
            self._fail(batch, error)
            self.fail_waiting(error)

    def _settle(
        self,
        failed: Sequence[tuple[PendingImage, OCRError]],
        together: int | None = None,
        chance: float = 0.0,
        *,
        sent: bool = True,
    ) -> None:
        alike: dict[Hashable, tuple[OCRError, bool, list[PendingImage]]] = {}
        down = sent and self._throttle.health.down_since is not None
        for pending, error in failed:
            if pending.state is not State.RETURNED:
                continue
            kind = kind_of(error, together)
            if RULES[kind].counter == "refusals" and not self._is_patient(pending, error):
                continue
            waits = down and is_of_service(error)
            if waits and not self._may_wait(pending):
                self._pending.fail(pending, error)
                continue
            tries = (pending.tries or {}).get(counter_of(error, kind), 0)
            if RULES[kind].counter != "tries":
                tries = 0  # earlier tries do not matter, so these images stay together
            same = (kind, str(error), tries, waits)
            alike.setdefault(same, (error, waits, []))[2].append(pending)
        for error, waits, group in alike.values():
            tried = group[0].tries
            verdict = self._retry.judge(error, tried, together, chance=chance, waits=waits)
            self._carry_out(verdict, group, error)

    def _carry_out(self, verdict: Verdict, group: list[PendingImage], error: OCRError) -> None:
        for pending in group:
            self._pending.note(pending, verdict, error)
        if verdict.deed is Deed.AGAIN_NOW:
            self._again_now(group)
        elif verdict.deed is Deed.AGAIN_LATER:
            self._throttle.notices.tell(
                "retry",
                "%(images)d images are tried again in %(rest).1f s: %(error)s",
                images=len(group),
                rest=verdict.rest,
                batch_limit=verdict.batch_limit,
                error=str(error),
            )
            self._again_later(group, error, verdict.rest)
        else:
            self._fail(group, error)
            if verdict.deed is Deed.GIVE_UP_ALL:
                self.fail_waiting(error)

    def _may_wait(self, pending: PendingImage) -> bool:
        """Rule 6: tell if an image may wait longer for the end of an outage."""
        since = max(self._throttle.health.down_since or 0.0, pending.since)
        return asyncio.get_running_loop().time() - since <= self._patience

    def end_patience(self) -> None:
        """In an outage, fail the queued images that may not wait longer."""
        health = self._throttle.health
        if health.down_since is None:
            return
        unsent = f"not sent, because no request was answered for {self._patience:g} s"
        why = TransportError(f"{unsent}; the last failure: {health.reason}", transient=True)
        for pending in list(self._pending.queue):
            if not self._may_wait(pending):
                self._pending.fail(pending, pending.error or why)

    def _is_patient(self, pending: PendingImage, error: OCRError) -> bool:
        """Rule 3: count the refusal; return True if the image may wait longer, else fail it."""
        now = asyncio.get_running_loop().time()
        self._pending.count_refusal(pending, error, now)
        # The time when the account is asked again: a pause counts as time that was waited.
        then = now + self._throttle.paused_for(now)
        stalled = self._throttle.stalled_for(then) > self._throttle_timeout
        patient = then - pending.throttled_at <= self._throttle_timeout
        if patient or not (stalled or pending.quota_refusals >= MANY_REFUSALS):
            return True
        self._pending.fail(pending, error)
        if stalled:
            for other in list(self._pending.queue):
                if then - other.since > self._throttle_timeout:
                    self._pending.fail(other, error)
        return False

    def _again_now(self, group: Sequence[PendingImage]) -> None:
        self._pending.requeue(self._pending.still_wanted(group))
        self._ready()

    def _again_later(self, group: list[PendingImage], error: OCRError, seconds: float) -> None:
        """Let images rest. If an image may have been charged and the budget is empty, it fails."""
        refused = [each for each in group if each.maybe_charged and not self._budget.spend()]
        self._fail(refused, error)
        if refused:
            self._throttle.notices.tell(
                "repeat_budget",
                "the repeat budget is used up: %(images)d images fail, which may have been charged",
                images=len(refused),
            )
        wanted = self._pending.still_wanted([each for each in group if each not in refused])
        if not wanted:
            return
        self._pending.rest(wanted)

        def wake() -> None:
            self._rests.discard(timer)
            self._pending.requeue(wanted, last=self._throttle.health.asks_others)
            self._ready()

        timer = asyncio.get_running_loop().call_later(seconds, wake)
        self._rests.add(timer)

    def _fail(self, group: Sequence[PendingImage], error: OCRError) -> None:
        for pending in group:
            self._pending.fail(pending, error)

    def fail_waiting(self, error: OCRError) -> None:
        """Fail all images that are not in a request, with this error."""
        self._fail([each for each in self._pending if each.state is not State.SENT], error)


def defect(error: BaseException) -> OCRError:
    """Make the error that callers get for a defect in this package."""
    failed = OCRError(f"{type(error).__name__}: {error}", maybe_charged=True)
    failed.__cause__ = error
    return failed
