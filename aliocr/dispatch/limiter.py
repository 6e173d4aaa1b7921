"""The permit: leave to send one request, handed out so that the account's limit is never passed."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Protocol, runtime_checkable

from aiolimiter import AsyncLimiter

from aliocr.dispatch.adaptive_rate import REQUESTS as MANNER
from aliocr.dispatch.adaptive_rate import Pace, Sent
from aliocr.limits import REQUESTS_PER_SECOND

SAFE = 0.99
"""The part of a limit at which permits come at most: what remains absorbs rounding."""

FIRST = 1 - MANNER.margin
"""The part of a limit at which permits come at first: jitter up to 50 ms passes the strictest
server then. A margin that proves too wide is given up after `FIRST_HOLD` requests."""

FIRST_HOLD = 100

OPEN = 1000
"""Permits of which it is remembered when they were given, until it is known what became of them."""


class Limiter(Protocol):
    """Anything with an awaitable `acquire` can hold the rate."""

    async def acquire(self) -> None:
        """Return when one request may be sent."""
        ...


@runtime_checkable
class LearningLimiter(Limiter, Protocol):
    """A limiter that wants to know what became of its permits."""

    def answered(self, sent_at: float, *, throttled: bool) -> None:
        """A request has ended.

        Args:
            sent_at: When it was sent, in seconds of the loop's clock.
            throttled: The service refused it for the request rate.
        """
        ...

    def unused(self) -> None:
        """A permit was acquired, and nothing was sent with it."""
        ...


class PacedLimiter:
    """Permits at even distances, first come first served: no burst, ever.

    `AsyncLimiter(10, 1)` would let 19 requests into its first second, because a bucket of B that
    leaks at r lets B + r·T through in T seconds. Here B + r stays below limit + 1, so that no
    second sees more than the limit: for 10 a second, a bucket of 1.05 at 9.9 a second at most.

    What leaves evenly does not arrive evenly, and how the service counts is not known. So the
    permits come at 94.5 % of the limit at first, and later as near to 99 % as goes with no more
    than 0.3 % of them refused.

    Args:
        requests_per_second: The limit.
    """

    def __init__(self, requests_per_second: float = REQUESTS_PER_SECOND) -> None:
        self.requests_per_second = requests_per_second
        self._pace = _pace(requests_per_second)
        self._bucket = _even_bucket(self._pace.rate)
        # aiolimiter lets newcomers barge and prefers small amounts; behind a lock it has a single
        # caller at a time, and the lock is first in, first out.
        self._turn = asyncio.Lock()
        self._open: deque[Sent] = deque(maxlen=OPEN)

    def __repr__(self) -> str:
        return f"<PacedLimiter {self.requests_per_second:g} requests/s>"

    @property
    def rate(self) -> float:
        """Permits per second, now."""
        return self._pace.rate

    def change_limit(self, requests_per_second: float) -> None:
        """Hold another limit from the next permit on."""
        if requests_per_second != self.requests_per_second:
            self.requests_per_second = requests_per_second
            self._pace = _pace(requests_per_second)

    async def acquire(self) -> None:
        """Return when the next request may be sent; let go of the place in line if cancelled."""
        async with self._turn:
            await self._bucket.acquire()
            if self._bucket.max_rate / self._bucket.time_period != self._pace.rate:
                # This permit fills the bucket of the new rate, which costs no time.
                self._bucket = _even_bucket(self._pace.rate)
                await self._bucket.acquire(self._bucket.max_rate)
            self._open.append(self._pace.sent(1, asyncio.get_running_loop().time()))

    def answered(self, sent_at: float, *, throttled: bool) -> None:
        """Learn how near to the limit permits may come."""
        for number in reversed(range(len(self._open))):
            if self._open[number].at <= sent_at:
                now = asyncio.get_running_loop().time()
                permit = self._open[number]
                del self._open[number]
                self._pace.answered(permit, int(not throttled), int(throttled), now)
                return

    def unused(self) -> None:
        """The permit lapses: the next comes when it would have come anyway."""
        if self._open:
            self._open.pop()


def _pace(limit: float) -> Pace:
    return Pace(FIRST * limit, SAFE * limit, MANNER, hold=FIRST_HOLD)


def _even_bucket(rate: float) -> AsyncLimiter:
    bucket = 1 + min(0.05, 0.005 * rate)
    return AsyncLimiter(bucket, bucket / rate)


class StrictLimiter:
    """Permits that cannot be too many, however the network delays and the service counts.

    There are as many slots as the limit has requests a second, and each is free again one second
    after its request was answered: two requests of one slot cannot arrive within a second. (One
    that was given up without an answer may still be under way; its slot is taken for answered
    then.) The price is the time of an answer: 10 ÷ (1 + L) requests a second for answers that take
    L seconds, half of the limit at 1 s.

    Give the same one to all sessions of an account, on one event loop.

    Args:
        requests_per_second: The limit, a whole number from 1 up.
    """

    def __init__(self, requests_per_second: int = int(REQUESTS_PER_SECOND)) -> None:
        if type(requests_per_second) is not int or requests_per_second < 1:
            raise ValueError(
                f"requests_per_second must be a whole number from 1 up, not {requests_per_second!r}"
            )
        self._requests_per_second = requests_per_second
        self._slots = asyncio.Semaphore(requests_per_second)
        # Evenly, too: ten at once would each carry what the image quota has just then.
        self._bucket = _even_bucket(requests_per_second)
        self._loop: asyncio.AbstractEventLoop | None = None

    def __repr__(self) -> str:
        return f"<StrictLimiter {self._requests_per_second} requests/s>"

    async def acquire(self) -> None:
        """Return when a slot is free; first come, first served.

        Raises:
            RuntimeError: It was used on another event loop before, and knows nothing of its slots.
        """
        loop = asyncio.get_running_loop()
        if self._loop not in (None, loop):
            raise RuntimeError("a StrictLimiter serves one event loop; make another for this one")
        self._loop = loop
        await self._slots.acquire()
        try:
            await self._bucket.acquire()
        except BaseException:
            self._slots.release()
            raise

    def answered(self, sent_at: float, *, throttled: bool) -> None:  # noqa: ARG002 - the protocol
        """Free the slot in a second."""
        asyncio.get_running_loop().call_later(1.0, self._slots.release)

    def unused(self) -> None:
        """Free the slot at once."""
        self._slots.release()
