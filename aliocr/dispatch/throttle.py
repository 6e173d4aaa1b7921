"""What all senders of an account share: its turns to send, its quota, and its pauses.

The limits are the account's, not a session's. Whoever wants to send takes a turn, one at a time:

1. No turn begins while the account is paused. It is paused by a refusal of a whole request, as
   long as the service says, or up to twice as long each time in a row if it says nothing.
2. Then room is waited for: for one image at least, as the quota has it.
3. Then the request permit, the last thing that is awaited before the request is signed and sent.
   A permit that comes to find the account paused, or the room gone, lapses.
4. What is sent is reported, and so is what became of it; both limits learn from that.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Hashable, Sequence
from weakref import WeakKeyDictionary

import attrs

from aliocr.dispatch.adaptive_rate import Sent
from aliocr.dispatch.image_quota import ImageQuota
from aliocr.dispatch.limiter import LearningLimiter, Limiter, PacedLimiter
from aliocr.dispatch.retry import throttled_pause
from aliocr.errors import OCRError, ThrottledError
from aliocr.limits import Limits

LONGEST_PAUSE = 60.0
"""Seconds: the most that is believed of what the service says, so that it is asked now and then."""


@attrs.frozen(eq=False)
class Trip:
    """One request that has left.

    Args:
        sent: When, and how many images.
        limiter: Whose permit it used.
    """

    sent: Sent
    limiter: Limiter


class Account:
    """One account on one event loop.

    Args:
        limits: What it allows.
    """

    def __init__(self, limits: Limits) -> None:
        self._limiter = PacedLimiter(limits.requests_per_second)
        self._quota = ImageQuota(limits)
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._news = asyncio.Event()
        self._paused_at = -math.inf
        self._paused_until = -math.inf
        self._in_a_row = 0
        self._stalled_since = math.inf

    @property
    def limiter(self) -> PacedLimiter:
        """The account's own limiter."""
        return self._limiter

    @property
    def image_rate(self) -> float:
        """Images per second, as known or learnt; infinite if nothing is."""
        return self._quota.rate

    def limit(self, limits: Limits) -> None:
        """Hold these limits from now on; the last session to open says."""
        self._limiter.change_limit(limits.requests_per_second)
        self._quota.limit(limits)
        self._tell()

    def _tell(self) -> None:
        """Wake who waits, to look again; who comes later waits for what comes later."""
        news, self._news = self._news, asyncio.Event()
        news.set()

    def stalled_for(self, now: float) -> float:
        """Seconds since the first of the refusals in a row that nothing has got through after."""
        return max(0.0, now - self._stalled_since)

    def paused_for(self, now: float) -> float:
        """Seconds until the account's next turn can begin, if it is paused."""
        return max(0.0, self._paused_until - now)

    async def turn(self, limiter: Limiter | None = None, *, since: float) -> Turn:
        """Wait for leave to send one request, first come, first served.

        Args:
            limiter: Who gives the permit; None for the account's own. Its askers wait for each
                other, and for nobody who asks elsewhere.
            since: When the images that wait began to, in seconds of the loop's clock.

        Returns:
            The turn: use it, or let it lapse, before anything else is awaited.
        """
        if not self._waiting:
            self._quota.idle_until(since)
        self._waiting += 1
        try:
            if limiter is not None:
                return await self._next(limiter)
            async with self._turn:
                return await self._next(self._limiter)
        finally:
            self._waiting -= 1

    async def _next(self, permits: Limiter) -> Turn:
        while True:
            await self._clear()
            await permits.acquire()
            now = asyncio.get_running_loop().time()
            room = self._quota.room(now)
            if room >= 1 and now >= self._paused_until:
                return Turn(self, permits, room, now)
            _give_back(permits)

    async def _clear(self) -> None:
        """Wait until the account is not paused and there is room for an image."""
        while True:
            now = asyncio.get_running_loop().time()
            wait = max(self._paused_until - now, self._quota.wait(now))
            if wait <= 0:
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait if wait < math.inf else None):
                    await self._news.wait()

    def depart(self, count: int, limiter: Limiter, now: float) -> Trip:
        """A request of so many images leaves."""
        return Trip(self._quota.sent(count, now), limiter)

    def arrive(self, trip: Trip, outcome: Sequence[object] | OCRError) -> None:
        """A request has ended, one way or another.

        Args:
            trip: As it departed.
            outcome: What its images failed with, those that did, or what the request failed with.
        """
        now = asyncio.get_running_loop().time()
        refused, throttled, retry_after = _refusals(trip, outcome)
        if isinstance(trip.limiter, LearningLimiter):
            trip.limiter.answered(trip.sent.at, throttled=throttled)
        self._quota.answered(trip.sent, refused, now)
        if throttled or refused == trip.sent.count:
            # A request whose images were all over the quota may have held a single one. What was
            # learnt from that keeps the next away; only if it does not is more needed.
            if throttled or retry_after is not None or trip.sent.at > self._stalled_since:
                self._pause(trip.sent.at, retry_after, now)
            self._stalled_since = min(self._stalled_since, now)
        elif refused is not None:
            self._in_a_row = 0
            self._stalled_since = math.inf
        self._tell()

    def _pause(self, sent_at: float, retry_after: float | None, now: float) -> None:
        if retry_after is not None:
            until = now + min(retry_after, LONGEST_PAUSE)
        elif sent_at > self._paused_at:
            # Those that were under way when the pause began are refused for the same reason.
            self._in_a_row += 1
            until = now + throttled_pause(self._in_a_row)
        else:
            return
        self._paused_at = now
        self._paused_until = max(self._paused_until, until)


class Turn:
    """Leave to send one request; unless it is used, it is given back.

    Args:
        account: Whose turn it is.
        limiter: Whose permit it holds.
        room: The most images the request may carry, 1 or more.
        now: When it began, in seconds of the loop's clock.
    """

    def __init__(self, account: Account, limiter: Limiter, room: float, now: float) -> None:
        self._account = account
        self._limiter = limiter
        self.room = room
        self.began = now

    def use(self, count: int) -> Trip:
        """So many images leave, 1 or more."""
        return self._account.depart(count, self._limiter, self.began)

    def lapse(self) -> None:
        """Nobody waits any more."""
        _give_back(self._limiter)


def _refusals(
    trip: Trip, outcome: Sequence[object] | OCRError
) -> tuple[int | None, bool, float | None]:
    """Images refused (None: unheard of), whether the request was, and the seconds to stay away."""
    if not isinstance(outcome, OCRError):
        return sum(isinstance(one, ThrottledError) for one in outcome), False, None
    if not isinstance(outcome, ThrottledError):
        return None, False, None
    # The service's own code speaks of images, the gateway's of requests.
    of_images = isinstance(outcome.code, int)
    return (trip.sent.count if of_images else None), not of_images, outcome.retry_after


def _give_back(limiter: Limiter) -> None:
    if isinstance(limiter, LearningLimiter):
        limiter.unused()


# An account outlives the session that used it: a program that opens a session a call must not get
# a fresh bucket with each, and has learnt something. It ends with its loop.
_by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Hashable, Account]] = (
    WeakKeyDictionary()
)


def account_of(key: Hashable, limits: Limits) -> Account:
    """The one account of a key on the running loop; the last caller sets its limits.

    Args:
        key: What stands for the account: an AccessKey id, or the provider of changing ones.
        limits: What the account allows.
    """
    for loop in list(_by_loop):
        if loop.is_closed():  # its locks hold it, so it would never go by itself
            del _by_loop[loop]
    accounts = _by_loop.setdefault(asyncio.get_running_loop(), {})
    account = accounts.get(key)
    if account is None:
        account = accounts[key] = Account(limits)
    else:
        account.limit(limits)
    return account
