"""Limiters: a permit lets one request go, and the account's request rate is never passed."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Protocol, runtime_checkable

from aiolimiter import AsyncLimiter

from aliocr.dispatch.adaptive_rate import REQUESTS, AdaptiveRate, SentBatch
from aliocr.limits import REQUESTS_PER_SECOND

SAFE = 0.99
"""Part of a limit at which permits come at most; the rest absorbs rounding."""

FIRST = 1 - REQUESTS.margin
"""Part of a limit at which permits come at first: jitter up to 50 ms then passes the strictest
server. After `FIRST_HOLD` requests a margin that proves too wide is reduced."""

FIRST_HOLD = 100

OPEN = 1000
"""Permits that a limiter remembers until it hears what became of them."""


class Limiter(Protocol):
    """An object with an awaitable `acquire` that holds a rate."""

    async def acquire(self) -> None:
        """Return when one request may be sent."""
        ...


@runtime_checkable
class LearningLimiter(Limiter, Protocol):
    """A limiter that hears what became of its permits, and learns from it."""

    def request_ended(self, sent_at: float, *, throttled: bool) -> None:
        """Hear that a request has ended.

        Args:
            sent_at: When it was sent, in seconds of the loop's clock.
            throttled: The service refused the request for its rate.
        """
        ...

    def unused(self) -> None:
        """Hear that nothing was sent with the last permit."""
        ...


class PacedLimiter:
    """Permits at even distances, first come first served: a token bucket without a burst.

    `AsyncLimiter(10, 1)` would let 19 requests into its first second, because a bucket of B that
    leaks at r lets B + r·T through in T seconds. Here B + r stays below limit + 1, so that no
    second sees more than the limit: for 10 a second, a bucket of 1.05 at 9.9 a second at most.

    Requests that leave evenly do not arrive evenly, and how the service counts is not known. So
    permits come at 94.5 % of the limit at first, and later as near to 99 % as keeps refusals at
    0.3 % or less.

    Args:
        requests_per_second: The limit.
    """

    def __init__(self, requests_per_second: float = REQUESTS_PER_SECOND) -> None:
        self.requests_per_second = requests_per_second
        self._adaptive = _adaptive_rate(requests_per_second)
        self._bucket = _even_bucket(self._adaptive.rate)
        # aiolimiter lets newcomers barge and prefers small amounts; behind a lock it has a single
        # caller at a time, and the lock is first in, first out.
        self._turn = asyncio.Lock()
        self._open: deque[SentBatch] = deque(maxlen=OPEN)

    def __repr__(self) -> str:
        return f"<PacedLimiter {self.requests_per_second:g} requests/s>"

    @property
    def rate(self) -> float:
        """Permits per second, now."""
        return self._adaptive.rate

    def change_limit(self, requests_per_second: float) -> None:
        """Hold another limit from the next permit on."""
        if requests_per_second != self.requests_per_second:
            self.requests_per_second = requests_per_second
            self._adaptive = _adaptive_rate(requests_per_second)

    async def acquire(self) -> None:
        """Return when the next request may be sent; a cancelled caller loses its place in line."""
        async with self._turn:
            await self._bucket.acquire()
            if self._bucket.max_rate / self._bucket.time_period != self._adaptive.rate:
                # This permit fills the bucket of the new rate, which costs no time.
                self._bucket = _even_bucket(self._adaptive.rate)
                await self._bucket.acquire(self._bucket.max_rate)
            self._open.append(self._adaptive.sent(1, asyncio.get_running_loop().time()))

    def request_ended(self, sent_at: float, *, throttled: bool) -> None:
        """Learn how near to the limit permits may come."""
        for number in reversed(range(len(self._open))):
            if self._open[number].at <= sent_at:
                now = asyncio.get_running_loop().time()
                permit = self._open[number]
                del self._open[number]
                self._adaptive.answered(permit, int(not throttled), int(throttled), now)
                return

    def unused(self) -> None:
        """Forget the last permit; the next comes at the same time as if it had been used."""
        if self._open:
            self._open.pop()


def _adaptive_rate(limit: float) -> AdaptiveRate:
    return AdaptiveRate(FIRST * limit, SAFE * limit, REQUESTS, hold=FIRST_HOLD)


def _even_bucket(rate: float) -> AsyncLimiter:
    bucket = 1 + min(0.05, 0.005 * rate)
    return AsyncLimiter(bucket, bucket / rate)


class StrictLimiter:
    """Permits that cannot be too many, whatever the network delays and however the service counts.

    There is a slot for each request of the limit, and a slot is free again one second after its
    request was answered: two requests of one slot cannot arrive within a second. (A request given
    up without an answer may still be under way; its slot counts as answered then.) The price is
    the time of an answer: 10 ÷ (1 + L) requests a second for answers that take L seconds, half of
    the limit at 1 s.

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
        # Even distances, too: ten at once would each carry what the image quota has just then.
        self._bucket = _even_bucket(requests_per_second)
        self._loop: asyncio.AbstractEventLoop | None = None

    def __repr__(self) -> str:
        return f"<StrictLimiter {self._requests_per_second} requests/s>"

    async def acquire(self) -> None:
        """Return when a slot is free; first come, first served.

        Raises:
            RuntimeError: The limiter was used on another event loop before.
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

    def request_ended(self, sent_at: float, *, throttled: bool) -> None:  # noqa: ARG002 - the protocol
        """Free the slot one second from now."""
        asyncio.get_running_loop().call_later(1.0, self._slots.release)

    def unused(self) -> None:
        """Free the slot at once."""
        self._slots.release()
