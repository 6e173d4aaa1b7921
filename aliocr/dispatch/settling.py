"""What becomes of images that have come back: an outcome, another try, or the queue at once."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence

import attrs

from aliocr.dispatch.pending import Journeys
from aliocr.dispatch.queue import Journey, Queue
from aliocr.dispatch.retry import Budget, RetryPolicy
from aliocr.dispatch.throttle import Account, Trip
from aliocr.errors import AuthError, OCRError, ThrottledError
from aliocr.models import Scan
from aliocr.protocol.replies import Part
from aliocr.stats import Tally

MANY_REFUSALS = 20
"""Refused so often, an image has been throttled for itself, though others of the account pass."""


@attrs.define(eq=False)
class _Reply:
    """A reply that is being given out.

    Args:
        trip: Of its request.
        parts: What has not been read yet.
        open: By its place in the request, each image that has not been found yet.
        failed: The images that were not read, and why, in the order of the request.
    """

    trip: Trip
    parts: Iterator[Part]
    open: dict[int, Journey]
    failed: list[tuple[Journey, OCRError]] = attrs.field(factory=list)

    def read_on(self) -> Part:
        """The next part, whatever is wrong with it; not called once nothing is open."""
        try:
            return next(self.parts)
        except Exception as error:  # noqa: BLE001 - a defect here: no caller may wait for ever
            return [(place, defect(error)) for place in self.open]


class Returns:
    """Judges what came back of a request, image by image.

    Args:
        journeys: Where outcomes are given out.
        queue: Where images go that are sent again.
        account: Says for how long nothing has got through.
        tally: Where refusals are counted.
        retry: Says which failed image goes again, and when.
        budget: What may be sent again though it may have been charged.
        throttle_timeout: Seconds for which images wait for an account that nothing gets through.
        ready: Called when images have joined the queue, or can be sent again.
    """

    def __init__(
        self,
        journeys: Journeys,
        queue: Queue,
        account: Account,
        tally: Tally,
        *,
        retry: RetryPolicy,
        budget: Budget,
        throttle_timeout: float,
        ready: Callable[[], None],
    ) -> None:
        self._journeys = journeys
        self._queue = queue
        self._account = account
        self._tally = tally
        self._retry = retry
        self._budget = budget
        self._throttle_timeout = throttle_timeout
        self._ready = ready
        self._resting: set[asyncio.TimerHandle] = set()
        self._replies: deque[_Reply] = deque()
        self._turn: asyncio.Handle | None = None

    def close(self) -> None:
        """Give out what has come, all of it now, and wake nobody any more."""
        if self._turn is not None:
            self._turn.cancel()
        while self._replies:
            self._unpack()
        for timer in self._resting:
            timer.cancel()

    def receive(self, batch: Sequence[Journey], parts: Iterator[Part], trip: Trip) -> None:
        """Give out a reply part by part, the loop let in between; its first part now.

        One reply after the other, so that many make no turn longer than one does. No task does it,
        so no cancellation can lose what has been paid for. The account hears of a reply when all of
        it has been read.
        """
        self._replies.append(_Reply(trip, parts, dict(enumerate(batch))))
        if self._turn is None:
            self._take_turn()

    @property
    def behind(self) -> bool:
        """More has come than can be given out now: nothing should be asked for besides."""
        return len(self._replies) > 1

    def _take_turn(self) -> None:
        self._unpack()
        if self._replies:
            self._turn = asyncio.get_running_loop().call_soon(self._take_turn)
        else:
            self._turn = None
            self._ready()

    def _unpack(self) -> None:
        """Give out one part of the first reply; with its last, settle what failed."""
        reply = self._replies[0]
        for place, answer in reply.read_on():
            journey = reply.open.pop(place)
            if not isinstance(answer, Scan):
                reply.failed.append((journey, answer))
                continue
            self._journeys.arrive(journey)
            if journey in self._journeys:
                self._budget.refill()
                self._journeys.succeed(journey, answer)
        if not reply.open:
            self._replies.popleft()
            journeys = [journey for journey, _ in reply.failed]
            errors = [error for _, error in reply.failed]
            self._account.arrive(reply.trip, errors)
            for journey in journeys:
                self._journeys.arrive(journey)
            self.settle(journeys, errors)

    def settle(self, failed: Sequence[Journey], errors: Sequence[OCRError]) -> None:
        """Judge those that were not read; those that failed alike rest alike, and come back so.

        They have arrived, all of them.
        """
        throttled: list[Journey] = []
        alike: dict[tuple[object, ...], tuple[OCRError, list[Journey]]] = {}
        for journey, error in zip(failed, errors, strict=True):
            if journey not in self._journeys:
                continue
            if isinstance(error, ThrottledError):
                if self._waits_on(journey, error):
                    throttled.append(journey)
            else:
                journey.failures += 1
                journey.maybe_charged |= error.maybe_charged
                kind = (type(error), str(error), journey.failures)
                alike.setdefault(kind, (error, []))[1].append(journey)
        self.come_back(throttled)
        for error, group in alike.values():
            self._retry_or_fail(group, error)

    def _waits_on(self, journey: Journey, error: ThrottledError) -> bool:
        """Throttled, it waits while its patience lasts, or while others get through."""
        now = asyncio.get_running_loop().time()
        self._tally.throttled += 1
        journey.refusals += isinstance(error.code, int)  # the gateway's speaks of the request
        journey.refused_at = min(journey.refused_at, now)
        # By when the account is asked again, if it is paused for long.
        then = now + self._account.paused_for(now)
        stalled = self._account.stalled_for(then) > self._throttle_timeout
        patient = then - journey.refused_at <= self._throttle_timeout
        if patient or not (stalled or journey.refusals >= MANY_REFUSALS):
            return True
        self._journeys.fail(journey, error)
        if stalled:
            for other in list(self._queue):
                if then - other.since > self._throttle_timeout:
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
            self.refuse_waiting(error)

    def _lay_down(self, group: Sequence[Journey], seconds: float) -> None:
        def wake() -> None:
            self._resting.discard(timer)
            self._join(wanted)

        wanted = [journey for journey in group if self._journeys.go_again(journey)]
        timer = asyncio.get_running_loop().call_later(seconds, wake)
        self._resting.add(timer)

    def come_back(self, group: Sequence[Journey]) -> None:
        """From a request that has arrived into the queue at once."""
        self._join([journey for journey in group if self._journeys.go_again(journey)])

    def _join(self, group: Sequence[Journey]) -> None:
        """Join the queue again, before those that never left it."""
        for journey in reversed(group):  # each goes to the front, so the first goes last
            if journey in self._journeys:
                self._queue.add(journey)
        self._ready()

    def refuse_waiting(self, error: OCRError) -> None:
        """Whoever is not under way gets what the account got."""
        for journey in self._journeys:
            if not journey.travelling:
                self._journeys.fail(journey, error)


def defect(error: BaseException) -> OCRError:
    """What callers are told of a mistake in here."""
    failed = OCRError(f"{type(error).__name__}: {error}", maybe_charged=True)
    failed.__cause__ = error
    return failed
