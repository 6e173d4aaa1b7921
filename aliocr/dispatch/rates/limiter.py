"""Limiters: one permit per request, so that the account's request rate is not exceeded."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Protocol, runtime_checkable

from aiolimiter import AsyncLimiter

from aliocr.dispatch.rates.request_rate import RequestRate
from aliocr.dispatch.rates.sent_record import SentBatch
from aliocr.limits import REQUESTS_PER_SECOND

OPEN = 1000
"""Maximum number of permits that a limiter remembers until it learns their results."""


class Limiter(Protocol):
    """An object with an awaitable `acquire` that keeps to a rate."""

    async def acquire(self) -> None:
        """Return when one request may be sent."""
        ...


@runtime_checkable
class LearningLimiter(Limiter, Protocol):
    """A limiter that is informed of the results of its permits, and learns from them."""

    def request_ended(self, sent_at: float, *, throttled: bool) -> None:
        """Learn that a request has ended.

        Args:
            sent_at: When the request was sent, in seconds of the loop's clock.
            throttled: True if the service refused the request for its rate.
        """
        ...

    def unused(self) -> None:
        """Learn that nothing was sent with the last permit."""
        ...


class PacedLimiter:
    """Permits at even distances, first come first served: a token bucket without a burst.

    `AsyncLimiter(10, 1)` would allow 19 requests in its first second, because a bucket of size B
    that leaks at rate r lets B + r·T requests through in T seconds. Here B + r stays below
    limit + 1, so that no second has more requests than the limit. For a limit of 10 requests per
    second, the size of the bucket is 1.05, and the rate is at most 9.9 per second.

    Requests that leave evenly do not arrive evenly, and it is not known how the service counts.
    Therefore the rate is 94.5 % of the limit at first. Later it comes as near to 99 % of the limit
    as it can while at most 0.3 % of the requests are refused. If other processes use the same
    account, it falls to a share, at least a quarter of the limit; see `request_rate`.

    Args:
        requests_per_second: The limit.
    """

    def __init__(self, requests_per_second: float = REQUESTS_PER_SECOND) -> None:
        self.requests_per_second = requests_per_second
        self._learnt = RequestRate(requests_per_second)
        self._bucket = _even_bucket(self._learnt.rate)
        # aiolimiter lets later callers overtake, and prefers callers that need a small amount. This
        # lock lets one caller at a time use the bucket: first come, first served.
        self._turn = asyncio.Lock()
        self._open: deque[SentBatch] = deque(maxlen=OPEN)

    def __repr__(self) -> str:
        return f"<PacedLimiter {self.requests_per_second:g} requests/s>"

    @property
    def rate(self) -> float:
        """Permits per second, now."""
        return self._learnt.rate

    def change_limit(self, requests_per_second: float) -> None:
        """Keep another limit from the next permit on."""
        if requests_per_second != self.requests_per_second:
            self.requests_per_second = requests_per_second
            self._learnt = RequestRate(requests_per_second)

    async def acquire(self) -> None:
        """Return when the next request may be sent; a cancelled caller loses its place in line."""
        async with self._turn:
            await self._bucket.acquire()
            if self._bucket.max_rate / self._bucket.time_period != self._learnt.rate:
                # This fills the new bucket without waiting; the next permit comes at the new rate.
                self._bucket = _even_bucket(self._learnt.rate)
                await self._bucket.acquire(self._bucket.max_rate)
            self._open.append(self._learnt.sent(asyncio.get_running_loop().time()))

    def request_ended(self, sent_at: float, *, throttled: bool) -> None:
        """Learn from a result how near to the limit the rate may come."""
        for number in reversed(range(len(self._open))):
            if self._open[number].at <= sent_at:
                now = asyncio.get_running_loop().time()
                permit = self._open[number]
                del self._open[number]
                self._learnt.answered(permit, refused=throttled, now=now)
                return

    def unused(self) -> None:
        """Forget the last permit; the time of the next permit does not change."""
        if self._open:
            self._learnt.forget(self._open.pop())


def bucket_size(rate: float) -> float:
    """Return the size of the token bucket for a rate of permits per second."""
    return 1 + min(0.05, 0.005 * rate)


def _even_bucket(rate: float) -> AsyncLimiter:
    return AsyncLimiter(bucket_size(rate), bucket_size(rate) / rate)


class StrictLimiter:
    """Permits that never exceed the limit, for any network delay and any way of counting.

    There is one slot for each request of the limit. A slot is free again one second after its
    request was answered, so two requests of one slot cannot arrive within one second. (If a request
    is abandoned without an answer, it counts as answered at that moment, although it may still be
    in flight.) The price is a lower rate: with a limit of 10, and responses that take L seconds, it
    is 10 ÷ (1 + L) requests per second. If responses take 1 s, this is half of the limit.

    Give the same limiter to all sessions of an account, on one event loop.

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
        # Permits come at even distances. If ten requests left at the same time, they would carry
        # few images, because the quota allows only few at one moment.
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
            raise RuntimeError("a StrictLimiter is for one event loop; make another for this loop")
        self._loop = loop
        await self._slots.acquire()
        try:
            await self._bucket.acquire()
        except BaseException:
            self._slots.release()
            raise

    def request_ended(self, sent_at: float, *, throttled: bool) -> None:  # noqa: ARG002 - protocol
        """Free the slot one second from now."""
        asyncio.get_running_loop().call_later(1.0, self._slots.release)

    def unused(self) -> None:
        """Free the slot immediately."""
        self._slots.release()
